import { type RunnerSettings, opaqueKeys } from '../../core/settings.ts';
import { type Snapshot, snapshotToWire } from '../../core/snapshot.ts';
import { isRecord } from '../../data/is-record.ts';
import { camelKeys, snakeKeys } from '../../text/snake-keys.ts';

/** The version of the format that is written: `schema_version` of a manifest. */
export const schemaVersion = 2;

/** Writes a manifest as it lies on disk: `connection` is the list of the servers of the run. */
export function toWire(manifest: { runner: RunnerSettings; summary: Snapshot | null }): Record<string, unknown> {
  const summary = manifest.summary === null ? null : snapshotToWire(manifest.summary);
  const { connections, ...runner } = manifest.runner;
  const connection = connections.filter((given) => Object.keys(given).length > 0);
  return {
    schema_version: schemaVersion,
    ...(snakeKeys({ ...manifest, runner, connection, summary }, opaqueKeys) as object),
  };
}

/** Reads a file of this version or of version 1 into what is parsed as a manifest. */
export function fromWire(file: unknown): unknown {
  const manifest = camelKeys(file, opaqueKeys);
  // Version 1 had camelCase within its settings and its summary, and the connection among the settings of the runner,
  // whose schema reads it from there.
  if (!isRecord(manifest) || manifest['schemaVersion'] === 1) return manifest;
  const { connection, runner } = manifest;
  const connections = Array.isArray(connection) && connection.length > 0 ? (connection as unknown[]) : [{}];
  return { ...manifest, runner: { ...(runner as object), connections } };
}
