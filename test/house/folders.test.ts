import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pending } from './pending.ts';
import { codeFiles, root } from './read-sources.ts';

/** Code files that a folder holds at most. */
const maxFiles = 16;
/** Levels of folders below `src/` that the overrides of the linter reach. */
const maxDepth = 3;

describe('the folders of src', () => {
  const files = codeFiles(`${root}src`);
  const sizes = new Map<string, number>();
  for (const path of files) sizes.set(posix.dirname(path), (sizes.get(posix.dirname(path)) ?? 0) + 1);

  test('hold at most 16 code files', () => {
    expect([...sizes].filter(([folder, size]) => size > (pending.folderSizes[folder] ?? maxFiles))).toEqual([]);
  });

  test('lie at most three levels deep, but for a package of Python', () => {
    const tooDeep = [...sizes.keys()].filter((folder) => folder.split('/').length > maxDepth);
    expect(tooDeep.toSorted()).toEqual([
      'backends/vllm/python/llmbatch_vllm',
      'backends/vllm/python/llmbatch_vllm/request',
    ]);
  });

  test('have only the two entries of the program beside them', () => {
    expect(files.filter((path) => !path.includes('/'))).toEqual(['cli.ts', 'index.ts']);
  });

  test('that still may be larger are', () => {
    expect(Object.keys(pending.folderSizes).filter((folder) => (sizes.get(folder) ?? 0) <= maxFiles)).toEqual([]);
  });
});
