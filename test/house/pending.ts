/** What does not hold yet of the rules for the house. Entries are only ever taken out. */
export const pending = {
  /** Folders with more than 16 code files, and how many. */
  folderSizes: {} as Record<string, number>,
  /** Circles of files and folders, as the test prints them. */
  circles: [] as string[],
  /** Exported names that two files define. */
  repeatedNames: [] as string[],
  /** Engines that a file outside of their folders names. */
  engineNames: {} as Record<string, string[]>,
  /** Old words, and how many names of files still hold them. */
  oldWords: {
    Found: 1,
    lane: 1,
    least: 2,
    longest: 13,
    most: 13,
  } as Record<string, number>,
};
