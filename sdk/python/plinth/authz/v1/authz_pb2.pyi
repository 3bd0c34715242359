from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchCheckRequest(_message.Message):
    __slots__ = ["checks", "consistency"]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    checks: _containers.RepeatedCompositeFieldContainer[CheckRequest]
    consistency: Consistency
    def __init__(self, checks: _Optional[_Iterable[_Union[CheckRequest, _Mapping]]] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ...) -> None: ...

class BatchCheckResponse(_message.Message):
    __slots__ = ["results"]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchCheckResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchCheckResult, _Mapping]]] = ...) -> None: ...

class BatchCheckResult(_message.Message):
    __slots__ = ["allowed", "error"]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    error: CheckError
    def __init__(self, allowed: bool = ..., error: _Optional[_Union[CheckError, _Mapping]] = ...) -> None: ...

class CheckError(_message.Message):
    __slots__ = ["code", "message"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ["consistency", "context", "contextual_relationships", "object", "relation", "subject"]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    CONTEXTUAL_RELATIONSHIPS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    consistency: Consistency
    context: _struct_pb2.Struct
    contextual_relationships: _containers.RepeatedCompositeFieldContainer[Relationship]
    object: str
    relation: str
    subject: str
    def __init__(self, object: _Optional[str] = ..., relation: _Optional[str] = ..., subject: _Optional[str] = ..., contextual_relationships: _Optional[_Iterable[_Union[Relationship, _Mapping]]] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ["allowed"]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    def __init__(self, allowed: bool = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ["context", "name"]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    context: _struct_pb2.Struct
    name: str
    def __init__(self, name: _Optional[str] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Consistency(_message.Message):
    __slots__ = ["at_least_as_fresh"]
    AT_LEAST_AS_FRESH_FIELD_NUMBER: _ClassVar[int]
    at_least_as_fresh: str
    def __init__(self, at_least_as_fresh: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ["model_version", "modules"]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    model_version: str
    modules: _containers.RepeatedCompositeFieldContainer[ModelModule]
    def __init__(self, model_version: _Optional[str] = ..., modules: _Optional[_Iterable[_Union[ModelModule, _Mapping]]] = ...) -> None: ...

class ListPermissionsRequest(_message.Message):
    __slots__ = ["consistency", "context", "object", "relations", "subject"]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    consistency: Consistency
    context: _struct_pb2.Struct
    object: str
    relations: _containers.RepeatedScalarFieldContainer[str]
    subject: str
    def __init__(self, object: _Optional[str] = ..., subject: _Optional[str] = ..., relations: _Optional[_Iterable[str]] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListPermissionsResponse(_message.Message):
    __slots__ = ["relations"]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    relations: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, relations: _Optional[_Iterable[str]] = ...) -> None: ...

class ModelModule(_message.Message):
    __slots__ = ["dsl", "module", "update_time"]
    DSL_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    dsl: str
    module: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, module: _Optional[str] = ..., dsl: _Optional[str] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Precondition(_message.Message):
    __slots__ = ["filter", "must_exist"]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MUST_EXIST_FIELD_NUMBER: _ClassVar[int]
    filter: RelationshipFilter
    must_exist: bool
    def __init__(self, filter: _Optional[_Union[RelationshipFilter, _Mapping]] = ..., must_exist: bool = ...) -> None: ...

class PutModelModuleRequest(_message.Message):
    __slots__ = ["dsl", "module"]
    DSL_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    dsl: str
    module: str
    def __init__(self, module: _Optional[str] = ..., dsl: _Optional[str] = ...) -> None: ...

class PutModelModuleResponse(_message.Message):
    __slots__ = ["changed", "model_version"]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    model_version: str
    def __init__(self, model_version: _Optional[str] = ..., changed: bool = ...) -> None: ...

class ReadRelationshipsRequest(_message.Message):
    __slots__ = ["consistency", "filter", "page_size", "page_token"]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consistency: Consistency
    filter: RelationshipFilter
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[RelationshipFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ...) -> None: ...

class ReadRelationshipsResponse(_message.Message):
    __slots__ = ["next_page_token", "relationships"]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIPS_FIELD_NUMBER: _ClassVar[int]
    next_page_token: str
    relationships: _containers.RepeatedCompositeFieldContainer[Relationship]
    def __init__(self, relationships: _Optional[_Iterable[_Union[Relationship, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Relationship(_message.Message):
    __slots__ = ["condition", "object", "relation", "subject"]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    condition: Condition
    object: str
    relation: str
    subject: str
    def __init__(self, object: _Optional[str] = ..., relation: _Optional[str] = ..., subject: _Optional[str] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ...) -> None: ...

class RelationshipFilter(_message.Message):
    __slots__ = ["object", "relation", "subject"]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    object: str
    relation: str
    subject: str
    def __init__(self, object: _Optional[str] = ..., relation: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...

class WriteRelationshipsRequest(_message.Message):
    __slots__ = ["deletes", "idempotent", "preconditions", "writes"]
    DELETES_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENT_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    deletes: _containers.RepeatedCompositeFieldContainer[Relationship]
    idempotent: bool
    preconditions: _containers.RepeatedCompositeFieldContainer[Precondition]
    writes: _containers.RepeatedCompositeFieldContainer[Relationship]
    def __init__(self, writes: _Optional[_Iterable[_Union[Relationship, _Mapping]]] = ..., deletes: _Optional[_Iterable[_Union[Relationship, _Mapping]]] = ..., preconditions: _Optional[_Iterable[_Union[Precondition, _Mapping]]] = ..., idempotent: bool = ...) -> None: ...

class WriteRelationshipsResponse(_message.Message):
    __slots__ = ["consistency_token"]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consistency_token: str
    def __init__(self, consistency_token: _Optional[str] = ...) -> None: ...
