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
/** A text without the thinking at its start. `isThinking`: there was some. */
export interface Answered {
  text: string;
  isThinking: boolean;
}

export function withoutThinking(content: string): Answered {
  const text = content.trim();
  if (!mayOpen(text[0])) return withoutOpened(text);
  let rest = text;
  for (let count = 0; count < maxBlocks; count++) {
    const mark = marks.find(({ opens }) => opens.test(rest));
    if (mark === undefined) break;
    rest = behind(rest, mark.closes) ?? '';
  }
  return rest === text ? withoutOpened(text) : { text: unwrapped(rest), isThinking: true };
}

const maxBlocks = 100;

/** Where the template has opened the thinking already, only its end is written. */
function withoutOpened(text: string): Answered {
  const match = openedBefore.exec(text);
  if (match === null || /<think>|\[THINK\]/i.test(text.slice(0, match.index))) return { text, isThinking: false };
  return { text: unwrapped(text.slice(match.index + match[0].length).trim()), isThinking: true };
}

const openedBefore = /<\/(?:think|seed:think)>|\[\/THINK\]/i;

function behind(text: string, closes: RegExp): string | null {
  const match = closes.exec(text);
  return match === null ? null : text.slice(match.index + match[0].length).trim();
}

function unwrapped(text: string): string {
  const match = wrapped.exec(text);
  return match === null ? text : (match[2] ?? match[3] ?? '').trim();
}
