/** The command that installs the embedded engine. */
export const installCommand = 'npm install node-llama-cpp';
