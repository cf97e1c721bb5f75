const on: ReadonlySet<string> = new Set(['1', 'true', 'on', 'enabled']);

/** Is a variable of llama.cpp's (`LLAMA_ARG_SWA_FULL`) a switch that is on? It takes every other value for off. */
export const isSwitchedOn = (value: string | null | undefined): boolean => on.has(value ?? '');
