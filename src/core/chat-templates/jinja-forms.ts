/** Jinja expressions over `text`, the text of the message that is written. */
interface Forms {
  system: string;
  user: string;
  assistant: string;
  /** Head of the answer; absent: it follows the user's turn without one. */
  head?: string;
  /** A statement at the start of the prompt. */
  start?: string;
}

/** A template that writes each message in the form of its role. */
export const writeByRole = ({
  system,
  user,
  assistant,
  head,
  start = '',
  defaultSystem,
}: Forms & { defaultSystem?: string }): string => `${start}
${defaultSystem === undefined ? '' : writeDefault(system, defaultSystem)}
{%- for message in messages -%}
  ${refuseCalls}
  {%- set text = message['content'] -%}
  {%- if message['role'] == 'system' -%}
    {{- ${system} -}}
  {%- elif message['role'] == 'user' -%}
    {{- ${user} -}}
  {%- elif message['role'] == 'assistant' -%}
    {{- ${assistant} -}}
  {%- else -%}
    {{- raise_exception('this chat template has no role ' + message['role']) -}}
  {%- endif -%}
{%- endfor -%}
${writeHead(head)}`;

/**
 * A template that writes the system prompt into the first user's turn, or the last one's: `system` is then the text of
 * that turn. User and assistant must take turns.
 */
export const fillUserTurns = ({
  system,
  user,
  assistant,
  head,
  start = '',
  isSystemLast = false,
}: Forms & { isSystemLast?: boolean }): string => `${start}
{%- if messages[0]['role'] == 'system' -%}
  {%- set system = messages[0]['content'] -%}
  {%- set turns = messages[1:] -%}
{%- else -%}
  {%- set system = '' -%}
  {%- set turns = messages -%}
{%- endif -%}
{%- if turns | length == 0 -%}
  {{- raise_exception('there is no message of a user') -}}
{%- endif -%}
{%- set place = ${isSystemLast ? '(turns | length) - 2 + (turns | length) % 2' : '0'} -%}
{%- for message in turns -%}
  ${refuseCalls}
  {%- if message['role'] != ('user' if loop.index0 % 2 == 0 else 'assistant') -%}
    {{- raise_exception('after a system prompt, user and assistant must take turns, the user first') -}}
  {%- endif -%}
  {%- set text = message['content'] -%}
  {%- if system and loop.index0 == place -%}
    {%- set text = ${system} -%}
  {%- endif -%}
  {%- if message['role'] == 'user' -%}
    {{- ${user} -}}
  {%- else -%}
    {{- ${assistant} -}}
  {%- endif -%}
{%- endfor -%}
${writeHead(head)}`;

const refuseCalls = `{%- if message['tool_calls'] -%}
    {{- raise_exception('this chat template writes no tool calls') -}}
  {%- endif -%}`;

const writeDefault = (form: string, text: string): string => `{%- if messages[0]['role'] != 'system' -%}
  {%- set text = ${JSON.stringify(text)} -%}
  {{- ${form} -}}
{%- endif -%}`;

const writeHead = (head: string | undefined): string =>
  head === undefined
    ? ''
    : `{%- if add_generation_prompt -%}
  {{- ${head} -}}
{%- endif -%}`;
