import type { ModelModule } from "../domain/model/model.ts";

/** The module that ships with Plinth. It is part of the program, so that a check never meets a model without it. */
export const platformModuleName = "platform";

/** The object that stands for the installation as a whole. */
export const platformObject = "platform:plinth";

export const platformModule: ModelModule = {
  name: platformModuleName,
  dsl: `model
  schema 1.1

# A person; the id is that of the identity service.
type user

# A program; the id is the name in its workload token or service credential.
type service

# A named group of people and programs.
type role
  relations
    define assignee: [user, service, role#assignee]

# The installation itself: platform:plinth.
type platform
  relations
    define admin: [user, service, role#assignee]
    define auditor: [user, service, role#assignee]
    define audit_writer: [user, service, role#assignee]
    define user_manager: [user, service, role#assignee]
    define session_manager: [user, service, role#assignee]

    define can_manage_users: user_manager or admin
    define can_read_users: can_manage_users or auditor
    define can_manage_sessions: session_manager or admin
    define can_read_audit: auditor or admin
    define can_write_audit: audit_writer or admin
    define can_manage_authorization: admin
    define can_manage_credentials: admin
    define can_manage_keys: admin
`,
};
