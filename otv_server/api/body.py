"""Request bodies and proofs, in the order that matters: the proof first, the body after.

A call without a body needs no guard: what it asks for is found by its proof, or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from litestar.dto import AbstractDTO
from litestar.params import PathParameter
from litestar.routes import HTTPRoute

from otv_server.api import wire
from otv_server.api.caller import caller_of, needs_token
from otv_server.api.headers import bearer, upload_token
from otv_server.api.problems import EXEMPT
from otv_server.domain.errors import MethodNotAllowed, SlowDown
from otv_server.domain.limits import MAX_PART_INDEX

if TYPE_CHECKING:
    from collections.abc import Generator

    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.connection import ASGIConnection
    from litestar.dto.data_structures import DTOFieldDefinition
    from litestar.handlers import BaseRouteHandler
    from litestar.openapi.spec import Reference, Schema
    from litestar.typing import FieldDefinition

    AnyConnection = ASGIConnection[Any, Any, Any, Any]

Body = TypeVar("Body", bound=wire.Request)
# A key of the request's state: the digest of the upload token that pays for the share.
TOKEN = "upload_token"  # noqa: S105  # where it stands, not what it is
ID_PATTERN = r"^[A-Za-z0-9_-]{16}$"
ShareId = Annotated[str, PathParameter(description="The share's id.", pattern=ID_PATTERN)]
LinkId = Annotated[str, PathParameter(description="The link's id.", pattern=ID_PATTERN)]


class StrictBody(AbstractDTO[Body]):
    """Litestar's own decoding is lax (it takes "1" for 1 and keeps the last of two equal keys).

    A DTO is where a body's bytes can be decoded by other rules: here by ``wire.parse``.
    """

    def decode_bytes(self, value: bytes) -> Any:
        """Parse strictly, or refuse."""
        return wire.parse(value, self.model_type)

    @classmethod
    def create_for_field_definition(cls, *_args: object, **_kwargs: object) -> None:
        """Nothing to prepare: the struct is both the wire's and the handler's type."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """The struct's own schema."""
        del handler_id
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """None: no transfer model is derived."""
        del model_type
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """None: no transfer model is derived."""
        del field_definition
        return False


def proof_of(connection: AnyConnection) -> bytes:
    """The hash of the proof in ``Authorization``; the proof itself goes no further."""
    return wire.hashed(bearer(connection.headers.getall("Authorization", [])))


async def refuse_options(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """No path has ``OPTIONS``; Litestar adds one to each, whose ``Allow`` is not always whole."""
    if connection.scope.get("method") == "OPTIONS":
        path = connection.scope["path_template"]
        routes = [route for route in connection.app.routes if route.path_format == path]
        raise MethodNotAllowed(
            {method for route in routes if isinstance(route, HTTPRoute) for method in route.methods}
        )


def _parsed_path(connection: AnyConnection) -> dict[str, bytes]:
    """Every id of the path; what does not parse is refused before any proof is looked at."""
    path = dict(connection.path_params)
    if "index" in path:
        wire.parse_index(path.pop("index"), MAX_PART_INDEX)
    return {name: wire.parse_id(text) for name, text in path.items()}


async def owner_guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """Only who made the share; runs before a body is read."""
    share_id = _parsed_path(connection)["sid"]
    await connection.app.state.sending.recognise(share_id, proof_of(connection))
    connection.scope["state"][EXEMPT] = True


async def access_guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """Only who holds the link; runs before a body is read."""
    link_id = _parsed_path(connection)["link_id"]
    await connection.app.state.opening.recognise_access(link_id, proof_of(connection))
    connection.scope["state"][EXEMPT] = True


async def lease_guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """Only who claimed; runs before a body is read."""
    link_id = _parsed_path(connection)["link_id"]
    await connection.app.state.opening.recognise_lease(link_id, proof_of(connection))
    connection.scope["state"][EXEMPT] = True


async def upload_guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """Only who may send; runs before a body is read."""
    _parsed_path(connection)
    caller = caller_of(connection)
    if needs_token(caller, connection.app.state.access.uploads):
        token = wire.hashed(upload_token(connection.headers.getall("OTV-Upload-Token", [])))
        await connection.app.state.tokens.recognise(token)
        connection.scope["state"][TOKEN] = token
    if not await connection.app.state.limiter.allows(caller.bucket):
        raise SlowDown
    connection.scope["state"][EXEMPT] = True
