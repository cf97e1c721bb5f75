import { describe, expect, test } from 'vitest';
import { classifyErrorBody, classifyResponse } from '../../../src/backends/openai/http/classify-error.ts';
import { classifyError } from '../../../src/backends/ollama/http/classify-error.ts';
import { HttpFailure } from '../../../src/backends/ollama/http/http.ts';
import { isRequestFault, outOfMemoryText } from '../../../src/backends/http/connection-errors.ts';

/** As servers word them, with a status of 500. */
const faults = [
  // llama-server
  "\n------------\nWhile executing CallExpression at line 47, column 32 in source:\n...== 0) %}↵ {{- raise_exception('After the optional system message, con...\n ^\nError: Jinja Exception: After the optional system message, conversation roles must alternate user and assistant roles.",
  'Conversation roles must alternate user/assistant/user/assistant/... at row 19, column 27:\n {%- if (message',
  "Value is not callable: null at row 49, column 79:\n {%- set content = (m_content.split('</think>')|last) %}",
  'Error: Jinja Exception: Only user, system and assistant roles are supported!',
  'image input is not supported - hint: if this is unexpected, you may need to provide the mmproj',
  'audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj',
  'Failed to load image or audio file',
  'Failed to initialize samplers: failed to parse grammar',
  'failed to parse grammar',
  'JSON schema conversion failed:\nUnrecognized schema: {"type":"strin"}',
  'tools param requires --jinja flag',
  'Unsupported param: tools',
  "All non-assistant messages must contain 'content'",
  'unsupported content[].type',
  'Cannot specify 2 or more assistant messages at the end of the list.',
  'Assistant response prefill is incompatible with enable_thinking.',
  // vLLM, SGLang
  'jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant/user/assistant/...',
  'Internal server error: System role not supported',
  'Failed to compile the JSON schema: unsupported type',
  'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant',
  'litellm.BadRequestError: OpenAIException - wrong',
  // LM Studio
  'Error rendering prompt with jinja template: "Cannot pass both content and thinking in an assistant message with tool calls!"',
  // Ollama
  'template: :3:5: executing "" at <.Foo>: can\'t evaluate field Foo in type *template.Template',
  'this model is missing data required for image input',
  'illegal base64 data at input byte 0',
  'invalid JSON schema in format',
];

/** What may be gone at the next try. */
const troubles = [
  'boom',
  'Internal Server Error',
  'slot unavailable',
  'failed to decode the batch, n_batch = 2048, ret = -3',
  'Failed to parse input at pos 42: <tool_call>{"name',
  "error parsing tool call: raw='{\"a' err=unexpected end of JSON input",
  'Unexpected empty grammar stack after accepting piece: }',
  'upstream connect error or disconnect/reset before headers',
  'The model is loading',
  'Deepseek2 does not support K-shift',
  'context canceled',
  'Invalid content from upstream',
];

test.each(faults)('is the fault of the request: %j', (text) => {
  expect(isRequestFault(text)).toBe(true);
  const openai = JSON.stringify({ error: { code: 500, message: text, type: 'server_error' } });
  expect(classifyResponse({ status: 500, headers: {}, text: openai }).kind).toBe('bad-request');
  expect(classifyErrorBody({ code: 500, message: text }).kind).toBe('bad-request');
  expect(classifyError(new HttpFailure(500, JSON.stringify({ error: text }), null)).kind).toBe('bad-request');
  // A proxy's failure says nothing of the request.
  expect(classifyResponse({ status: 503, headers: {}, text: openai }).kind).toBe('overloaded');
});

test.each(troubles)('is the trouble of the server: %j', (text) => {
  expect(isRequestFault(text)).toBe(false);
  const body = JSON.stringify({ error: { message: text } });
  expect(classifyResponse({ status: 500, headers: {}, text: body }).kind).toBe('server-error');
});

test('the type of an error tells too', () => {
  const text = JSON.stringify({ error: { message: 'odd', type: 'invalid_request_error' } });
  expect(classifyResponse({ status: 500, headers: {}, text }).kind).toBe('bad-request');
});

test('memory that ran out, and an engine that died, are told before', () => {
  for (const [message, kind] of [
    ['CUDA out of memory while executing the jinja', 'out-of-memory'],
    ['EngineCore encountered an issue: chat template', 'engine-crashed'],
  ]) {
    expect(classifyResponse({ status: 500, headers: {}, text: JSON.stringify({ message }) }).kind).toBe(kind);
  }
});

describe('a text that is made for it', () => {
  const bait = ['requires ', ' but only ', 'failed to parse ', 'tools ', '111', 'While executing a', ' (', 'image '];
  test.each(bait)('takes no time: %j over and over', (text) => {
    const startedAt = process.cpuUsage().user;
    const long = text.repeat(1e6);
    const failed = classifyResponse({ status: 500, headers: {}, text: JSON.stringify({ error: { message: long } }) });
    classifyResponse({ status: 400, headers: {}, text: JSON.stringify({ error: { message: long } }) });
    classifyError(new HttpFailure(500, JSON.stringify({ error: long }), null));
    classifyError(new HttpFailure(400, JSON.stringify({ error: long }), null));
    expect(failed.message.length).toBeLessThan(700);
    expect(outOfMemoryText.test(long.slice(0, 8000))).toBe(false);
    expect((process.cpuUsage().user - startedAt) / 1e6).toBeLessThan(30);
  });
});

test.each(['std::bad_alloc', 'mmap failed: Cannot allocate memory'])('%s says that memory ran out', (text) => {
  expect(outOfMemoryText.test(text)).toBe(true);
});
