import { isRecord } from '../../../data/is-record.ts';
import { BrokenAnswer } from '../../http/connection-errors.ts';
import { foreignText } from '../../http/json-text.ts';

type Fields = Record<string, unknown>;

/**
 * A message, or a part of one, whose content is a text. Mistral's models that think answer with a list of parts: what is
 * said becomes the content, what was thought `reasoning_content`, as other servers have it. A part that is neither is no
 * text, and an answer without it would not be whole.
 */
export function withTextContent(said: Fields): Fields {
  const { content, reasoning_content: before } = said;
  if (!Array.isArray(content)) return said;
  const text = content.map((part) => textOfPart(part, 'text')).join('');
  const thought = content.map((part) => textOfPart(part, 'thinking')).join('');
  return { ...said, content: text, ...(thought === '' || before ? {} : { reasoning_content: thought }) };
}

/** The text of a part that says something (`text`), or of one that thinks; '' of the other one. */
function textOfPart(part: unknown, wanted: 'text' | 'thinking'): string {
  const type = typeof part === 'string' ? 'text' : isRecord(part) ? part['type'] : undefined;
  if (type !== 'text' && type !== 'thinking') throw oddPart(type);
  if (type !== wanted) return '';
  const text = isRecord(part) ? part[type] : part;
  if (typeof text === 'string') return text;
  if (type === 'thinking' && Array.isArray(text)) return text.map((inner) => textOfPart(inner, 'text')).join('');
  throw oddPart(type);
}

const oddPart = (type: unknown): BrokenAnswer =>
  new BrokenAnswer(
    'invalid-response',
    `The answer has a part of the type ${foreignText(type).slice(0, 50)}, which is not text.`,
  );
