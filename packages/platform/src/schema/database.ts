import type { Schema } from "./schema.ts";
import { command, duration, filePath } from "./values.ts";

export const database = {
  type: "object",
  description: "A PostgreSQL schema with a role of its own. Leave it out for a service without state.",
  required: ["schema"],
  properties: {
    schema: {
      type: "string",
      description: "Name of the schema and of the role that owns its rows. It cannot be changed later.",
      minLength: 1,
      maxLength: 48,
      "x-kubernetes-validations": [
        {
          rule: "self.matches('^[a-z][a-z0-9_]*$')",
          message: "must be lower-case letters, digits and underscores, starting with a letter, for example notes",
        },
        {
          rule: "!self.startsWith('pg_') && !self.startsWith('plinth_') && !self.endsWith('_ddl') && !(self in ['public', 'postgres', 'information_schema'])",
          message: "is reserved: pg_..., plinth_..., ..._ddl, public, postgres and information_schema are taken",
        },
        {
          rule: "self == oldSelf",
          message: "cannot be changed: the data stays in the old schema; create a new service and copy it over",
        },
      ],
    },
    migrations: {
      type: "object",
      description: "How the schema gets its tables before a new version starts. Leave it out when there are none.",
      properties: {
        path: {
          ...filePath,
          description:
            "Folder with NNNN_name.sql files inside the image. The local substrate reads migrations/ beside the manifest.",
        },
        command: {
          ...command,
          description:
            "The service's own migration tool, run in its image with DATABASE_URL set to the role that owns the schema.",
        },
        timeout: { ...duration, default: "10m", description: "Bound for all pending migrations together." },
      },
      "x-kubernetes-validations": [
        {
          rule: "has(self.path) != has(self.command)",
          message: "needs exactly one of path (SQL files, applied by Plinth) and command (a tool of your own)",
        },
      ],
    },
    deletionPolicy: {
      type: "string",
      enum: ["Retain", "Delete"],
      default: "Retain",
      description: "What happens to schema and role when the PlatformService is deleted.",
    },
  },
} as const satisfies Schema;
