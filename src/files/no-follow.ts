import { constants } from 'node:fs';

/** Flags of `open` that refuse a link in the place of a file of ours: what it leads to is not ours. Windows has none. */
export const noFollow = constants.O_NOFOLLOW ?? 0;

const { O_APPEND, O_CREAT, O_RDWR, O_WRONLY } = constants;

/** To add to a file of ours, made where it is missing. */
export const appendFlags = O_WRONLY | O_APPEND | O_CREAT | noFollow;

/** The same, to be read too. */
export const appendAndReadFlags = O_RDWR | O_APPEND | O_CREAT | noFollow;
