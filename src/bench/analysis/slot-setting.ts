import type { BackendDefinition } from '../../core/backend.ts';

/** What makes an engine work on so many requests at once; null where it does not say, or is not known here. */
export const slotSetting = (backends: readonly BackendDefinition[], backend: string, slots: number): string | null =>
  backends.find(({ name }) => name === backend)?.moreSlots?.(slots) ?? null;
