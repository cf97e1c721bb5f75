import type { BackendDefinition } from '../core/backend.ts';
import { planGroups } from '../input/plan-rows.ts';
import type { BackendCache } from './choose/backend-cache.ts';
import { type BackendChoice, checkChatTemplate, checkOptions, chooseBackend } from './choose/choose-backend.ts';
import { type ModeChoice, chooseMode } from './choose/choose-mode.ts';
import { type OpenServers, openServers } from './choose/open-servers.ts';
import { addressesOf } from './choose/server-addresses.ts';
import { firstModel, groupsOf } from './read-input.ts';
import type { Answering } from './reuse/reuse.ts';
import type { Run } from './run.ts';

/** The engine of one model, chosen and opened, at each of its servers. */
export interface OpenEngine extends OpenServers {
  definition: BackendDefinition;
  mode: ModeChoice;
}

/** Chooses and opens the engines of a run, and tells why each was chosen. */
export interface Engines {
  /** The engine that answers. Throws a `UsageError` where none serves the models of the input. */
  choose: () => Promise<BackendDefinition>;
  /** What will answer the requests for a model, told without loading it; null where that can't be told so. */
  identify: (model: string) => Promise<Answering | null>;
  /** Opens the engine for a model; null where the run was stopped meanwhile. Throws an `EngineError` or a `UsageError`. */
  open: (model: string) => Promise<OpenEngine | null>;
  /**
   * Opens the engine of the first model: whether there is one is to be known before anything of an earlier run is touched,
   * or a change of the model is refused. The cache keeps it for the run.
   */
  openFirst: () => Promise<void>;
  /** Refuses a chat template, or options, that the engine has not. It is not opened. Throws a `UsageError`. */
  checkOptions: () => Promise<void>;
}

export function createEngines(run: Run, cache: BackendCache): Engines {
  const { request, host, input } = run;
  const { environment } = host;
  const { connections } = request.runner;
  const chooseEngine = (): Promise<BackendChoice> =>
    chooseBackend(host.backends, request.settings.backend, input.scan.models, { connections, environment });
  const choose = async () => {
    const choice = await chooseEngine();
    const mode = chooseMode(request.settings.mode, groupsOf(input));
    noteChoices(run, choice, mode);
    return { choice, mode };
  };
  const open: Engines['open'] = async (model) => {
    const { choice, mode } = await choose();
    const opened = await openServers(run, cache, choice, { model, mode });
    return opened && { ...opened, definition: choice.definition, mode };
  };
  return {
    open,
    choose: async () => (await chooseEngine()).definition,
    async identify(model) {
      const { choice, mode } = await choose();
      const { name, weightsDigest } = choice.definition;
      const [address] = addressesOf(choice.definition, connections, environment);
      const digest = await weightsDigest?.(model, address!);
      if (digest === undefined) return null;
      noteModel(run, { backend: name, model, digest });
      return { definition: choice.definition, source: { backend: name, model, digest, mode: mode.name } };
    },
    async checkOptions() {
      const { definition } = await chooseEngine();
      checkChatTemplate(definition, request.settings);
      await checkOptions(definition, request.settings.options);
    },
    async openFirst() {
      if (run.stop.aborted) return;
      const planned = input.isComplete() ? planGroups(input.scan).map(({ model }) => model) : [await firstModel(input)];
      const first = planned.find((model) => model !== null);
      if (first === undefined) return;
      const opened = await open(first);
      opened?.stopOpening();
    },
  };
}

/** Where all is reused, the engine is not opened, and its version stays unknown. */
function noteModel({ manifest: { models } }: Run, known: Omit<Run['manifest']['models'][number], 'version'>): void {
  if (!models.some(({ model }) => model === known.model)) models.push({ ...known, version: '' });
}

function noteChoices({ request, manifest, notifyOfEngine }: Run, choice: BackendChoice, mode: ModeChoice): void {
  const isAnnounced = manifest.mode?.reason === mode.reason;
  manifest.mode = { name: mode.name, reason: mode.reason };
  if (isAnnounced) return;
  const { name } = choice.definition;
  if (request.settings.backend === 'auto')
    notifyOfEngine({ topic: 'backend', text: `backend: ${name} (${choice.reason})`, isDetail: true });
  notifyOfEngine({ topic: 'mode', text: `mode: ${mode.name} (${mode.reason})`, isDetail: true });
  if (mode.warning !== null) notifyOfEngine({ topic: 'conversation', text: `warning: ${mode.warning}` });
}
