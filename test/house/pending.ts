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
  /** Old words, and in how many names they stand, counted in each file. */
  oldWords: {} as Record<string, number>,
};
