/** Marks that models put around their thinking. They stand in the answer where the server does not separate the two. */
const marks: readonly { opens: RegExp; closes: RegExp }[] = [
  // DeepSeek, Qwen, GLM and most others; Gemini; Seed-OSS.
  ...['think', 'thinking', 'thought', 'reasoning', 'seed:think'].map((name) => ({
    opens: new RegExp(`^<${name}>`, 'i'),
    closes: new RegExp(`</${name}>`, 'i'),
  })),
  // Mistral.
  { opens: /^\[THINK\]/, closes: /\[\/THINK\]/ },
  // gpt-oss: the answer is in the channel "final".
  { opens: /^(?:<\|start\|>assistant)?<\|channel\|>(?!final)/, closes: /<\|channel\|>final[^<]*<\|message\|>/ },
  // Gemma.
  { opens: /^<\|channel>thought/, closes: /<channel\|>/ },
  // Cohere, OpenThinker, Kimi.
  { opens: /^<\|START_THINKING\|>/, closes: /<\|END_THINKING\|>/ },
  { opens: /^<\|begin_of_thought\|>/, closes: /<\|end_of_thought\|>/ },
  { opens: /^◁think▷/, closes: /◁\/think▷/ },
];

/** Marks that some models put around the answer after their thinking. */
const wrapped =
  /^(?:<(answer|response)>([\s\S]*)<\/\1>|<\|(?:START_RESPONSE|begin_of_solution)\|>([\s\S]*?)(?:<\|[\w]+\|>)?)$/;

/** The first characters of all marks that open. */
const mayOpen = (character: string | undefined): boolean => character !== undefined && '<[◁'.includes(character);
/** A text without the thinking at its start. */
export interface Answered {
  text: string;
  /** Null where there was none. */
  thinking: { mark: string; text: string } | null;
}

/** `mark` opens the thinking; its text is empty where a template, or the model, closed it at once. */
export function withoutThinking(content: string): Answered {
  const text = content.trim();
  if (!mayOpen(text[0])) return withoutOpened(text);
  let rest = text;
  let thinking: Answered['thinking'] = null;
  for (let count = 0; count < maxBlocks; count++) {
    const block = firstBlock(rest);
    if (block === null) break;
    rest = block.rest;
    if (thinking === null || thinking.text === '') ({ thinking } = block);
  }
  return thinking === null ? withoutOpened(text) : { text: unwrapped(rest), thinking };
}

const maxBlocks = 100;

function firstBlock(text: string): { thinking: NonNullable<Answered['thinking']>; rest: string } | null {
  for (const { opens, closes } of marks) {
    const mark = opens.exec(text)?.[0];
    if (mark === undefined) continue;
    const behind = text.slice(mark.length);
    const end = closes.exec(behind);
    const thought = end === null ? behind : behind.slice(0, end.index);
    const rest = end === null ? '' : behind.slice(end.index + end[0].length);
    return { thinking: { mark, text: thought.trim() }, rest: rest.trim() };
  }
  return null;
}

/** Where the template has opened the thinking already, only its end is written. */
function withoutOpened(text: string): Answered {
  const match = openedBefore.exec(text);
  const thought = text.slice(0, match?.index);
  if (match === null || /<think>|\[THINK\]/i.test(thought)) return { text, thinking: null };
  return {
    text: unwrapped(text.slice(match.index + match[0].length).trim()),
    thinking: { mark: match[0].replace('/', ''), text: thought.trim() },
  };
}

const openedBefore = /<\/(?:think|seed:think)>|\[\/THINK\]/i;

function unwrapped(text: string): string {
  const match = wrapped.exec(text);
  return match === null ? text : (match[2] ?? match[3] ?? '').trim();
}
