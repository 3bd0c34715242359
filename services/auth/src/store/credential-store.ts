import { hash, timingSafeEqual } from "node:crypto";
import type { EventContext } from "@plinth/bus";
import { type Clock, Fault, type Random } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import { and, asc, eq, gt, isNull, or } from "drizzle-orm";
import { serviceCredentialCreated, serviceCredentialRevoked, serviceTokenIssued } from "../events/auth-events.ts";
import { serviceCredentialTable } from "./schema.ts";

export interface ServiceCredential {
  clientId: string;
  serviceName: string;
  description: string;
  createTime: Date;
  expireTime: Date | undefined;
  lastUsedTime: Date | undefined;
}

/** Credentials of service accounts. Secrets are stored hashed and shown once. */
export interface CredentialStore {
  create(
    fresh: { serviceName: string; description: string; lifetimeMs: number | undefined },
    context: EventContext,
  ): Promise<{ credential: ServiceCredential; secret: string }>;
  /** Throws Fault unauthenticated: the same for an unknown client, a wrong secret, an expired and a revoked one. */
  authenticate(clientId: string, secret: string, context: EventContext): Promise<ServiceCredential>;
  /** Living ones, by client id, those after `after`. */
  list(page: { after: string | undefined; limit: number }): Promise<ServiceCredential[]>;
  /** Throws Fault not_found. */
  revoke(clientId: string, context: EventContext): Promise<void>;
}

export function createCredentialStore(database: Database, clock: Clock, random: Random): CredentialStore {
  const alive = () =>
    and(
      isNull(serviceCredentialTable.revokeTime),
      or(isNull(serviceCredentialTable.expireTime), gt(serviceCredentialTable.expireTime, new Date(clock.now()))),
    );

  return {
    create: ({ serviceName, description, lifetimeMs }, context) =>
      database.transaction(async (tx) => {
        const secret = `plinth_cs_${Buffer.from(random.bytes(32)).toString("base64url")}`;
        const clientId = random.uuidv7(clock.now());
        const expireTime = lifetimeMs === undefined ? null : new Date(clock.now() + lifetimeMs);
        const values = {
          clientId,
          serviceName,
          description,
          secretHash: hash("sha256", secret, "buffer"),
          createTime: new Date(clock.now()),
          expireTime,
        };
        const [row] = await tx.drizzle.insert(serviceCredentialTable).values(values).returning();
        await serviceCredentialCreated({ clientId, serviceName })(tx, context);
        return { credential: toCredential(row as Row), secret };
      }),

    async authenticate(clientId, secret, context) {
      const [row] = await database.drizzle
        .select()
        .from(serviceCredentialTable)
        .where(and(eq(serviceCredentialTable.clientId, clientId), alive()));
      const given = hash("sha256", secret, "buffer");
      // Compared also for an unknown client, so that both take the same time.
      const right = timingSafeEqual(given, row?.secretHash ?? Buffer.alloc(given.length));
      if (!row || !right) {
        throw new Fault({
          code: "unauthenticated",
          reason: "INVALID_CREDENTIALS",
          message: "the client id or the secret is not right",
        });
      }
      await database.transaction(async (tx) => {
        await tx.drizzle
          .update(serviceCredentialTable)
          .set({ lastUsedTime: new Date(clock.now()) })
          .where(eq(serviceCredentialTable.clientId, clientId));
        await serviceTokenIssued({ clientId, serviceName: row.serviceName })(tx, {
          ...context,
          actor: `service:${row.serviceName}`,
        });
      });
      return toCredential(row);
    },

    async list({ after, limit }) {
      const rows = await database.drizzle
        .select()
        .from(serviceCredentialTable)
        .where(and(alive(), ...(after ? [gt(serviceCredentialTable.clientId, after)] : [])))
        .orderBy(asc(serviceCredentialTable.clientId))
        .limit(limit);
      return rows.map(toCredential);
    },

    revoke: (clientId, context) =>
      database.transaction(async (tx) => {
        const [row] = await tx.drizzle
          .select()
          .from(serviceCredentialTable)
          .where(eq(serviceCredentialTable.clientId, clientId))
          .for("update");
        if (!row)
          throw new Fault({
            code: "not_found",
            reason: "CREDENTIAL_NOT_FOUND",
            message: `there is no service credential ${clientId}`,
          });
        if (row.revokeTime) return;
        await tx.drizzle
          .update(serviceCredentialTable)
          .set({ revokeTime: new Date(clock.now()) })
          .where(eq(serviceCredentialTable.clientId, clientId));
        await serviceCredentialRevoked({ clientId, serviceName: row.serviceName })(tx, context);
      }),
  };
}

type Row = typeof serviceCredentialTable.$inferSelect;

function toCredential({ secretHash: _, revokeTime: __, ...row }: Row): ServiceCredential {
  return { ...row, expireTime: row.expireTime ?? undefined, lastUsedTime: row.lastUsedTime ?? undefined };
}
