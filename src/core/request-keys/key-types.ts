import { isRecord } from '../../data/is-record.ts';
import { isThinking } from '../thinking.ts';

/** A type that the value of a request key can have; `wants` completes the sentence "it is 5, not ...". */
export interface KeyType {
  wants: string;
  accepts: (value: unknown) => boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

export const keyTypes = {
  anything: { wants: 'anything', accepts: () => true },
  number: { wants: 'a number', accepts: Number.isFinite },
  integer: { wants: 'a whole number', accepts: Number.isInteger },
  flag: { wants: 'true or false', accepts: isFlag },
  text: { wants: 'a text', accepts: isText },
  texts: {
    wants: 'a text or a list of texts',
    accepts: (value) => isText(value) || isTexts(value),
  },
  list: { wants: 'a list', accepts: Array.isArray },
  textList: { wants: 'a list of texts', accepts: isTexts },
  integers: {
    wants: 'a list of whole numbers',
    accepts: (value) => Array.isArray(value) && value.every(Number.isInteger),
  },
  objectList: {
    wants: 'a list of objects',
    accepts: (value) => Array.isArray(value) && value.every(isRecord),
  },
  object: { wants: 'an object', accepts: isRecord },
  flagOrInteger: {
    wants: 'true, false or a whole number',
    accepts: (value) => isFlag(value) || Number.isInteger(value),
  },
  thinking: { wants: 'true, false, "low", "medium", "high" or a number of tokens from 1', accepts: isThinking },
  textOrObject: {
    wants: 'a text or an object',
    accepts: (value) => isText(value) || isRecord(value),
  },
  listOrObject: {
    wants: 'an object or a list',
    accepts: (value) => typeof value === 'object',
  },
} satisfies Record<string, KeyType>;
