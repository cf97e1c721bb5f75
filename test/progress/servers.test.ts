import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import type { ServerNumbers } from '../../src/core/snapshot/server-numbers.ts';
import { startProgress } from '../../src/progress/index.ts';
import { serversText } from '../../src/progress/servers.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { waitFor } from '../helpers/wait.ts';
import { captureStream, midway, onServers } from './capture.ts';

const [up, away, starting] = onServers.servers! as [ServerNumbers, ServerNumbers, ServerNumbers];
const text = (columns: number, servers = onServers.servers): string =>
  serversText(changeSnapshot(midway, { servers }), { columns, separator: '·' });

test('each server is told, in fewer words on a narrow terminal, and those that are away before others are only counted', () => {
  expect([140, 100, 90, 84, 60, 40, 20].map((columns) => text(columns))).toMatchInlineSnapshot(`
    [
      "desktop:8000 36.9 req/s, 2,734 tok/s, 8 in flight · laptop:11434 away 10 s · gpu-7.example.org:8000 starting 0 s",
      "desktop:8000 36.9 req/s, 8 in flight · laptop:11434 away 10 s · gpu-7.example.org:8000 starting 0 s",
      "desktop:8000 36.9 req/s · laptop:11434 away 10 s · gpu-7.example.org:8000 starting 0 s",
      "desktop:8000 36.9/s · laptop:11434 away 10 s · gpu-7.example.org:8000 starting 0 s",
      "laptop:11434 away 10 s · 2 more",
      "laptop:11434 away 10 s · 2 more",
      "1 of 3 servers up",
    ]
  `);
});

test('a run on one engine has no such part', () => {
  expect(serversText(midway, { columns: 80, separator: '·' })).toBe('');
});

test('no text is wider than asked for, however many servers there are and whatever their names', () => {
  const named = (name: string, server = up): ServerNumbers => ({ ...server, name });
  const many = [
    ...Array.from({ length: 20 }, (_, index) => named(`node-${index}:8000`, index === 7 ? away : up)),
    named(`${'x'.repeat(80)}:8000`),
    named('候选人'.repeat(20)),
  ];
  for (let columns = 10; columns <= 200; columns += 9) {
    expect(stripVTControlCharacters(text(columns, many)).length).toBeLessThanOrEqual(columns);
  }
  expect(text(60, many)).toMatch(/^node-7:8000 away 10 s · node-0:8000 36\.9\/s · \d+ more$/);
});

test('a server that is up shows what is in flight before its first answer, and a name shows no control character', () => {
  const { rates } = starting;
  expect(text(80, [{ ...up, name: 'a\u001B[31m', rates, inFlight: 4 }])).toBe(String.raw`a\x1b[31m 4 in flight`);
});

test('the bar has them on a line below, from whose end the cursor goes back up', async () => {
  const { stream, text: written } = captureStream(100);
  const environment = { LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' };
  const progress = startProgress({ mode: 'bar', snapshot: () => onServers, title: 'a.jsonl', stream, environment });
  await waitFor(() => expect(written()).toContain('laptop'));
  const frames = written().split('\u001B[J\u001B[1A\r');
  expect(frames.length).toBeGreaterThan(1);
  const lines = stripVTControlCharacters(frames[0]!).split('\r\n').slice(-2);
  expect(lines[0]).toContain(' 63% 126/200  2 failed 46.9 req/s');
  expect(lines[1]).toMatch(/^desktop:8000 .* · laptop:11434 away 10 s · /);
  progress.stop();
  const end = stripVTControlCharacters(written().slice(written().lastIndexOf('\u001B[?25h')));
  expect(end).toContain('126/200');
  expect(end).not.toContain('laptop');
});

test('a plain line ends with them', () => {
  vi.useFakeTimers();
  const { stream, text: written } = captureStream();
  const source = { snapshot: () => onServers, title: 'a.jsonl', environment: { LANG: 'C' } };
  const progress = startProgress({ mode: 'plain', stream, ...source });
  vi.advanceTimersByTime(10_000);
  vi.useRealTimers();
  expect(written()).toMatch(
    /^a\.jsonl {3}63% .* {2}desktop:8000 36\.9 req\/s, 2,734 tok\/s, 8 in flight \| laptop:11434 away 10 s \| .*\n$/,
  );
  progress.stop();
});
