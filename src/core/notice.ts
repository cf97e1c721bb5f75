/** What a notice is about: programs and tests compare this code, never the sentence. */
type NoticeTopic =
  | 'backend'
  | 'bad-lines'
  | 'bench'
  | 'conversation'
  | 'drain'
  | 'engine'
  | 'engine-restart'
  | 'history-trim'
  | 'input'
  | 'kept-aside'
  | 'manifest'
  | 'mode'
  | 'out-of-memory'
  | 'outage'
  | 'output'
  | 'prompts'
  | 'rate-limit'
  | 'schema'
  | 'stall'
  | 'stopped'
  | 'vram'
  | 'workers';

/** One sentence for the user, and what it is about. */
export interface Notice {
  readonly topic: NoticeTopic;
  readonly text: string;
}

/** Tells the user something. It is the one way from everywhere in a run to the screen. */
export type Notify = (notice: Notice) => void;
