import { constants } from 'node:fs';

/**
 * Flags of `open` that refuse a link in the place of a file of ours: what it leads to is not ours. Windows has none.
 */
export const noFollow = constants.O_NOFOLLOW ?? 0;

const { O_APPEND, O_CREAT, O_RDWR, O_WRONLY } = constants;

/** Flags of `open` to append to a file of ours, which is made where it is missing. */
export const appendFlags = O_WRONLY | O_APPEND | O_CREAT | noFollow;

/** Flags of `open` to append to a file of ours and to read it. */
export const appendAndReadFlags = O_RDWR | O_APPEND | O_CREAT | noFollow;
