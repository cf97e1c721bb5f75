/** Most requests in flight that a user may set while a run goes on: more than any engine works on at once, and each costs memory. */
export const maxSetWorkers = 2048;
