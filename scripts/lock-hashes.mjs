// The hashes of package-lock.json: by them `npm ci` refuses a package that is not the one that was locked.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const folder = 'node_modules/';

/** The entries of packages that a registry hands out, as [path, entry] pairs. Links and bundled packages come with others. */
const registryEntries = (lock) =>
  Object.entries(lock.packages).filter(
    ([place, entry]) => place.includes(folder) && entry.link !== true && entry.inBundle !== true,
  );

/** The entries that any package of that name and version would do for. An older hash than SHA-512 can be forged. */
export const entriesWithoutHash = (lock) =>
  registryEntries(lock).filter(([, { integrity }]) => !/\bsha512-/.test(integrity ?? ''));

/** The entries that name a host: .npmrc keeps them out, so that everybody's npm asks its own registry. */
export const entriesWithHost = (lock) =>
  registryEntries(lock).filter(([, { resolved }]) => /^\w+:\/\//.test(resolved ?? ''));

/** `name@version` of an entry. */
export const packageOf = ([place, { name, version }]) =>
  `${name ?? place.slice(place.lastIndexOf(folder) + folder.length)}@${version}`;

/**
 * Asks the registry in use for the hash of each `name@version`: npm makes the lock of a project that has them all, whatever
 * their platform. Returns a Map; a package that the registry does not have is not in it.
 */
export function fetchHashes(packages) {
  const project = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-hashes-'));
  try {
    const wanted = packages.map((name, index) => [`package-${index}`, `npm:${name}`]);
    const manifest = { name: 'lock-hashes', version: '0.0.0', optionalDependencies: Object.fromEntries(wanted) };
    fs.writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest));
    const npm = ['install', '--package-lock-only', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'];
    execFileSync('npm', [...npm, '--silent'], { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] });
    const lock = JSON.parse(fs.readFileSync(path.join(project, 'package-lock.json'), 'utf8'));
    const found = registryEntries(lock).map((entry) => [packageOf(entry), entry[1].integrity]);
    return new Map(found.filter(([, integrity]) => integrity !== undefined));
  } finally {
    fs.rmSync(project, { recursive: true });
  }
}
