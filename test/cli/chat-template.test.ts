import { describe, expect, test } from 'vitest';
import { readFile, writeFile } from 'node:fs/promises';
import { type CliFolder, createCliFolder } from '../helpers/run-cli.ts';

const chats = `${JSON.stringify({ id: 'a', prompt: 'Name a colour.' })}\n`;
const chatml =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

/** A folder with chats, and the bundled model without its chat template. */
async function createFolder(): Promise<CliFolder & { tryWith: (...args: string[]) => ReturnType<CliFolder['run']> }> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', chats);
  const bytes = await readFile(new URL('../../fixtures/tiny-scorer.gguf', import.meta.url));
  bytes.write('tokenizer.chat_templatf', bytes.indexOf('tokenizer.chat_template'));
  await writeFile(folder.at('bare.gguf'), bytes);
  const answers = ['--max-tokens', '4', '--allow-truncated', '--progress', 'none'];
  return { ...folder, tryWith: (...args) => folder.run(['run', 'in.jsonl', ...answers, ...args]) };
}

const embedded = ['-b', 'llama-cpp', '-m', 'bare.gguf'];

describe('--chat-template', () => {
  test('is what a model without a template wants, and names the ones that fit', async () => {
    const { tryWith } = await createFolder();
    const refused = await tryWith(...embedded);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('bare.gguf has no chat template, and the requests are chats.');
    expect(refused.stderr).toContain('--chat-template chatml or --chat-template qwen2.5');
  });

  test('takes a name, a file, and a file of Windows with its @: the same prompt as the model’s own', async () => {
    const { tryWith, results, write, manifest, at } = await createFolder();
    await write('mine.jinja', chatml);
    await writeFile(at('windows.jinja'), `\u{FEFF}${chatml.replaceAll('\n', '\r\n')}`);
    const own = await tryWith('-m', 'tiny-scorer', '-o', 'own.jsonl');
    expect(own.exitCode).toBe(0);
    const [expected] = await results('own.jsonl');
    for (const template of ['chatml', 'mine.jinja', '@windows.jinja']) {
      const { exitCode, stderr } = await tryWith(
        ...embedded,
        '--chat-template',
        template,
        '-o',
        'o.jsonl',
        '--overwrite',
      );
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining('1 request done')]);
      const [result] = await results('o.jsonl');
      expect(result?.response?.body.choices).toEqual(expected?.response?.body.choices);
      expect(result?.response?.body.usage?.prompt_tokens).toBe(expected?.response?.body.usage?.prompt_tokens);
    }
    expect((await manifest('o.jsonl.run.json')).settings.chatTemplate).toBe(chatml);
  });

  test('is part of the request hash, and another one is another run', async () => {
    const { tryWith, results } = await createFolder();
    await tryWith(...embedded, '--chat-template', 'chatml', '-o', 'o.jsonl');
    const other = await tryWith(...embedded, '--chat-template', 'zephyr', '-o', 'o.jsonl');
    expect([other.exitCode, other.stderr]).toEqual([5, expect.stringContaining('--chat-template chatml → zephyr')]);
    await tryWith(...embedded, '--chat-template', 'zephyr', '-o', 'p.jsonl');
    const [[first], [second]] = [await results('o.jsonl'), await results('p.jsonl')];
    expect(first?.llmbatch.request_hash).not.toBe(second?.llmbatch.request_hash);
  });

  test.each([
    ['chatmI', /no file chatmI.*Did you mean chatml\?/s],
    ['nothing', /no file nothing.*The names are: alpaca, chatml/s],
    ['@nothing', /there is no such file/],
    ['{{ messages }}', /a file or a name, not the template itself/],
    ['@go.txt', /can't render a chat: .*Jinja/s],
    ['@open.txt', /can't render a chat: .*Jinja/s],
    ['@silent.txt', /it does not print a user's message/],
    ['@raises.txt', /can't render a chat: never/],
  ])('%s is refused before anything is sent', async (template, message) => {
    const { tryWith, write } = await createFolder();
    await write('go.txt', '{{ if .System }}{{ .System }}{{ end }}{{ .Prompt }}');
    await write('open.txt', '{% for m in messages %}{{ m.content }}');
    await write('silent.txt', 'Hello');
    await write('raises.txt', "{{ raise_exception('never') }}");
    const { exitCode, stderr } = await tryWith(...embedded, '--chat-template', template);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test.each([
    ['openai', /vllm serve --chat-template FILE or llama-server --chat-template-file FILE/],
    ['ollama', /TEMPLATE in a Modelfile/],
    ['mock', /Remove --chat-template/],
  ])('is refused by %s, with the way to give one there', async (backend, way) => {
    const { tryWith } = await createFolder();
    for (const dry of [[], ['--dry-run']]) {
      const { exitCode, stderr } = await tryWith('-b', backend, '-m', 'x', '--chat-template', 'chatml', ...dry);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`${backend} can't honour --chat-template`);
      expect(stderr).toMatch(way);
    }
  });
});
