// Fails where package-lock.json would take whatever a registry calls by a name and version, or sends everybody to one registry.
// Asks nothing of the network. usage: node scripts/check-lock.mjs [package-lock.json]
import fs from 'node:fs';
import { entriesWithHost, entriesWithoutHash, packageOf } from './lock-hashes.mjs';

/**
 * The binaries of the embedded engine for other platforms, which only those who develop there get: the registry in use had
 * none of this version to take a hash of. complete-lock.mjs asks again; what it finds leaves this list.
 */
const withoutHash = new Set([
  '@node-llama-cpp/linux-riscv64@3.22.1',
  '@node-llama-cpp/mac-arm64-metal@3.22.1',
  '@node-llama-cpp/mac-x64@3.22.1',
  '@node-llama-cpp/win-arm64@3.22.1',
  '@node-llama-cpp/win-x64@3.22.1',
]);

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));

const unsafe = entriesWithoutHash(lock)
  .map(packageOf)
  .filter((name) => !withoutHash.has(name));
complain(unsafe, 'has no SHA-512 hash', 'node scripts/complete-lock.mjs fills it in.');

const bound = entriesWithHost(lock).map(packageOf);
complain(bound, 'names the host of a registry', 'Remove its "resolved": the .npmrc of this repository keeps it out.');

function complain(packages, what, remedy) {
  for (const name of packages) console.error(`${file}: ${name} ${what}. ${remedy}`);
  if (packages.length > 0) process.exitCode = 1;
}
