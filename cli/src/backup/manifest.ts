/** First entry of a backup: what it is, for people and for `plinth restore`. */
export interface BackupManifest {
  kind: "plinth-backup";
  version: 1;
  /** RFC 3339. */
  createTime: string;
  /** Major version of PostgreSQL: another one cannot read the data. */
  postgres: string;
}

export const manifestName = "backup.json";
/** Names in the archive. */
export const postgresPrefix = "postgres/";
export const keptFiles = ["secrets.json", "admin.json"] as const;
/** Last entry: an archive without it is not whole. */
export const endName = "end";

/** Throws an error for a person. */
export function readBackupManifest(text: string): BackupManifest {
  const found = parse(text);
  if (found?.kind !== "plinth-backup") throw new Error("it is no backup of Plinth");
  if (found.version !== 1) throw new Error(`it is a backup of form ${found.version}, this release reads form 1`);
  return found;
}

function parse(text: string): BackupManifest | undefined {
  try {
    return JSON.parse(text) as BackupManifest;
  } catch {
    return undefined;
  }
}
