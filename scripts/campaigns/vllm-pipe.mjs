// The pipe to the vLLM worker itself: 10,000 and 50,000 candidates through our real worker and the fake `vllm` package, which
// answers at once (about ten steps a request, in Python). Needs python3. Medians of 3 rounds; about a minute.
//   node scripts/campaigns/vllm-pipe.mjs
import { fileURLToPath } from 'node:url';
import { runSession } from './sessions.mjs';
import { median, startCampaign } from './start-campaign.mjs';

const rounds = 3;
Object.assign(process.env, {
  PYTHONPATH: fileURLToPath(new URL('../../test/fake-vllm', import.meta.url)),
  PYTHONDONTWRITEBYTECODE: '1',
  FAKE_VLLM_PLATFORM: 'cpu',
});
const results = [];
for (const count of [10_000, 50_000]) {
  const { folder, input, check, finish } = await startCampaign('vllm-pipe', count);
  const measured = [];
  for (let round = 0; round < rounds; round++) {
    const { exitCode, peakBytes, summary } = await runSession(
      ['run', input, '-b', 'vllm', '-m', 'fake', '--python', 'python3', '--json', '--overwrite'],
      { cwd: folder },
    );
    const rate = summary.overall_rate;
    const mebibytes = { runner: peakBytes.runner / 2 ** 20, worker: peakBytes.engine / 2 ** 20 };
    measured.push({ exit_code: exitCode, rate, peak_mib: mebibytes, right: check().right });
    console.error(count, JSON.stringify(measured.at(-1)));
  }
  results.push({
    count,
    rate: median(measured.map(({ rate }) => rate)),
    peak_mib: median(measured.map(({ peak_mib: peak }) => peak.runner)),
    rounds: measured,
  });
  finish({ results }, 'node scripts/campaigns/vllm-pipe.mjs');
}
