import {
  AuthzService,
  type BatchCheckRequest,
  type CheckRequest,
  type ListPermissionsRequest,
} from "@plinth/proto/plinth/authz/v1/authz";
import { type AccessRule, access, defineService, type ServiceRoutes } from "@plinth/rpc";
import { managementRelation } from "./commands/management-right.ts";
import type { PermissionEngine } from "./engine/permission-engine.ts";
import type { ModelCache } from "./model/model-cache.ts";
import { platformObject } from "./model/platform-module.ts";
import { batchCheck } from "./rpc/batch-check.ts";
import { check } from "./rpc/check.ts";
import { getModel } from "./rpc/get-model.ts";
import { listPermissions } from "./rpc/list-permissions.ts";
import { putModelModule } from "./rpc/put-model-module.ts";
import { readRelationships } from "./rpc/read-relationships.ts";
import { writeRelationships } from "./rpc/write-relationships.ts";
import type { AuthzStore } from "./store/authz-store.ts";

export interface RouteDependencies {
  store: AuthzStore;
  models: ModelCache;
  engine: PermissionEngine;
}

const managers = access.permission(managementRelation, platformObject);
/** Services and those who manage authorization. What they may change is decided by the command, which knows the model. */
const insiders = access.any(access.service(), managers);
/** Users may ask about themselves. */
const insidersOrSelf = <R>(userId: (request: R) => string): AccessRule =>
  access.any(access.service(), access.self(userId), managers);

export function authzRoutes(dependencies: RouteDependencies): ServiceRoutes {
  const { store, models, engine } = dependencies;
  return defineService(AuthzService, {
    check: { access: insidersOrSelf((request: CheckRequest) => userOf(request.subject)), handle: check(engine) },
    batchCheck: { access: insidersOrSelf(commonUser), handle: batchCheck(engine) },
    listPermissions: {
      access: insidersOrSelf((request: ListPermissionsRequest) => userOf(request.subject)),
      handle: listPermissions(engine),
    },
    writeRelationships: { access: insiders, handle: writeRelationships(dependencies) },
    readRelationships: { access: insiders, handle: readRelationships(store) },
    putModelModule: { access: insiders, handle: putModelModule(dependencies) },
    getModel: { access: insiders, handle: getModel(store, models) },
  });
}

/** No user has this id: an empty one would stand for the caller. */
const nobody = "*";

function userOf(subject: string): string {
  const id = subject.startsWith("user:") ? subject.slice("user:".length) : "";
  return id || nobody;
}

/** The user that all checks ask about, if it is one. */
function commonUser(request: BatchCheckRequest): string {
  const users = new Set(request.checks.map((single) => userOf(single.subject)));
  const [user] = users;
  return users.size === 1 && user !== undefined ? user : nobody;
}
