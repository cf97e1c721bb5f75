const words = (text: string): string[] => text.split(' ');

const request = 'model backend host base-url system prompt-template schema max-tokens temperature';

/** The flags that `--help` shows of a command with many, by their long names: those that most calls need. */
export const mainFlags: Readonly<Record<string, readonly string[]>> = {
  run: words(`output overwrite limit dry-run estimate workers ${request}`),
  resume: words('workers host base-url timeout max-tokens retry-failed allow-drift progress json'),
  bench: words(`workers sizes backends budget resume report project output limit ${request}`),
  serve: words('listen dir route lenient max-file-bytes model backend host base-url option workers'),
  convert: words('to output sample shard failed-of model system prompt-template schema max-tokens temperature json'),
  validate: words(`limit format id-field json ${request}`),
};

/** Heading of the flags that no group names. */
export const otherFlags = 'Other flags:';

/**
 * The headings of `--help-all`, and the long names of the flags below each, in the order in which they are shown. A flag
 * of the same name stands in the same group in each command. One that is named nowhere stands below `Other flags:`.
 */
export const flagGroups: readonly (readonly [heading: string, flags: readonly string[]])[] = [
  ['What is measured:', words('sizes backends strategies options repeat order-seed budget name resume')],
  ['Report of a bench:', words('report project price-in price-out weights')],
  ['Stability:', words('batches vram-delta vram-leak rate-variance max-reloads min-success')],
  ['Server:', words('listen dir route lenient max-file-bytes')],
  [
    'Input and output:',
    words(
      'to output overwrite limit sample shard failed-of reuse dedupe strict dry-run estimate priority format delimiter encoding id-field allow-empty-fields order fsync',
    ),
  ],
  [
    'Engine and model:',
    words('model backend host base-url servers python gpus ray replicas option chat-template vram-limit unload'),
  ],
  [
    'Prompts and answers:',
    words(
      'system prompt-template schema max-tokens temperature top-p seed stop think control-tokens allow-truncated allow-empty-answers allow-repetition',
    ),
  ],
  ['Speed and time:', words('workers background no-background hours timeout stall-timeout drain-timeout')],
  ['Failures:', words('retries retry-on max-error-rate retry-failed allow-drift')],
  ['Conversations:', words('mode trim-every keep-messages trim-tokens context-window force-histories')],
  ['Display and settings:', words('preset on-end progress verbose json')],
];
