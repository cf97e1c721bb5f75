import type { EngineReport, Gpu, GpuSearch, ReportRow } from '../core/doctor/examination.ts';
import { finding } from '../core/doctor/finding.ts';
import { formatBytes } from '../text/format.ts';

/** Describes the GPUs of the machine. */
export function reportGpus({ gpus, failure }: GpuSearch): EngineReport {
  if (failure !== null) {
    const text = `nvidia-smi fails, so no engine will see the GPU: ${failure}`;
    const fix = 'repair the driver (nvidia-smi must list the GPU), then start the server again';
    return {
      rows: [['GPU', `n/a: ${failure}`]],
      findings: [finding('warning', 'gpu-driver', text, fix)],
      howToSet: [],
    };
  }
  const rows = gpus.map((gpu, index): ReportRow => [index === 0 ? 'GPU' : '', rowText(gpu)]);
  return {
    rows: rows.length > 0 ? rows : [['GPU', 'none found (no nvidia-smi, and no card of AMD)']],
    findings: [],
    howToSet: [],
  };
}

const rowText = ({ name, driver, totalBytes, freeBytes }: Gpu): string =>
  `${name}, ${formatBytes(totalBytes)}, ${formatBytes(freeBytes)} free; driver ${driver}`;
