import type { EngineReport, ReportRow } from '../core/doctor/examination.ts';
import { exitCodes } from '../core/errors.ts';
import { type Finding, finding, worstFirst } from '../core/doctor/finding.ts';
import { groupBy } from '../data/group-by.ts';
import { jsonVersion, snakeKeys } from '../text/snake-keys.ts';
import type { ExaminedBackend, SystemReport } from './examine-system.ts';
import { reportGpus } from './gpu-report.ts';
import { type DoctorVerdict, allExamined, findReady, verdictOf } from './verdict.ts';

/** What doctor says of a system. */
export interface Diagnosis {
  system: SystemReport;
  /** Names of the backends that could take a run now. */
  usable: string[];
  /** Rows of the table: the GPUs, then the engines. */
  rows: ReportRow[];
  /** What is wrong or could be better, errors first. */
  findings: Finding[];
  /** Lines that say how the settings of the findings are set. */
  howToSet: string[];
  verdict: DoctorVerdict;
}

/** Says what a system has, and what is wrong with it. */
export function diagnose(system: SystemReport): Diagnosis {
  const { llmbatch, probed, gpu, others } = system;
  const machine = { platform: llmbatch.platform, freeMemoryBytes: llmbatch.freeMemoryBytes, gpu };
  const reportOf = ({ engine, server }: ExaminedBackend): EngineReport => {
    const report = engine.report(machine);
    return server === undefined
      ? report
      : { ...report, findings: report.findings.map((one) => findingAt(one, server)) };
  };
  const [ofProbed, ofOthers] = [probed.map(reportOf), others.map(reportOf)];
  const gpus = reportGpus(gpu);
  const reports = [...ofProbed, gpus, ...ofOthers];
  const usable = onceEach(allExamined(system).flatMap(({ name, engine }) => (engine.isUsable ? [name] : [])));
  const found = reports.flatMap(({ findings }) => findings);
  const findings = worstFirst([...nothingServes(system, usable, found), ...found]);
  return {
    system,
    usable,
    rows: [gpus, ...ofProbed, ...ofOthers].flatMap(({ rows }) => rows),
    findings,
    howToSet: onceEach(reports.flatMap(({ howToSet }) => howToSet)),
    verdict: verdictOf(system, findings),
  };
}

const onceEach = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];

/** Names the server that a finding is about, where its text does not. */
const findingAt = (found: Finding, server: string): Finding =>
  found.text.includes(server) ? found : { ...found, text: `${server}: ${found.text}` };

/** The error that no engine has the model, or that there is none at all; nothing where one has it, or it is told already. */
function nothingServes(system: SystemReport, usable: readonly string[], found: readonly Finding[]): Finding[] {
  const { asked, search } = system;
  if (search === null) return usable.length > 0 ? [] : [nothingUsable(system)];
  const isTold = found.some(({ level }) => level === 'error');
  if (isTold || search.serving.length > 0 || findReady(system) !== null) return [];
  const fix = ['a model that is here, or an engine that has this one:', ...search.reasons].join('\n');
  return [finding('error', 'model-not-served', `no engine here serves the model "${asked.model}"`, fix)];
}

function nothingUsable(system: SystemReport): Finding {
  const ways = onceEach(allExamined(system).flatMap(({ install }) => install ?? []));
  return finding('error', 'no-engine', 'there is no engine on this machine that can run a batch', ways.join(', or '));
}

/** 0, or 4 where a finding is an error; warnings and hints do not count. */
export const exitCodeOf = ({ verdict }: Pick<Diagnosis, 'verdict'>): number =>
  verdict.isReady ? exitCodes.ok : exitCodes.engineUnusable;

/**
 * One JSON object in a line. Keys are in snake_case; null where nothing was seen or measured:
 * - `schema_version`: of these keys
 * - `llmbatch`: version, node, platform, architecture, free_memory_bytes; `engines`: names of the backends
 * - `asked`: model, and what each flag that names a server was given (host, base_url): a text, or a list where it was given several times
 * - `usable`: names of the backends that could take a run now
 * - `gpu`: gpus [name, driver, total_bytes, used_bytes, free_bytes], failure
 * - what each backend found of its engine, under keys of its own: see `json` of its `ExaminedEngine`; a list, in their order,
 *   where several of its servers were named
 * - `findings`: [level, id, text, fix, setting {name, value}], errors first; `id` is a code that stays the same
 * - `how_to_set`: lines that say how the settings of the findings are set
 * - `verdict`: is_ready, text, and command, the one to type next
 */
export function renderDiagnosisJson({ system, usable, findings, howToSet, verdict }: Diagnosis): string {
  const { llmbatch, asked, engines, gpu, probed, others } = system;
  const parts = [...groupBy([...probed, ...others], ({ name }) => name).values()].map(jsonOf);
  const whole: unknown = Object.assign({ schemaVersion: jsonVersion, llmbatch, asked, engines, gpu }, ...parts, {
    usable,
    findings,
    howToSet,
    verdict,
  });
  return `${JSON.stringify(snakeKeys(whole))}\n`;
}

function jsonOf(examined: readonly ExaminedBackend[]): Readonly<Record<string, unknown>> {
  const parts = examined.map(({ engine }) => engine.json);
  const [first = {}] = parts;
  if (parts.length === 1) return first;
  return Object.fromEntries(Object.keys(first).map((key) => [key, parts.map((part) => part[key])]));
}
