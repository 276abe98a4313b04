# SPDX-License-Identifier: Apache-2.0
"""EMCO's workflow intents, for those who keep them with us."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, select
from sqlalchemy.exc import IntegrityError

from relocate.emco.intents import IntentGroup, WorkflowIntent
from relocate.errors import AlreadyExists, NotFound
from relocate.store.tables import WORKFLOW_INTENTS
from steering.store.engine import writing


class WorkflowIntents:
    """By deployment intent group and name. There is no change of one: it is deleted and made anew."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def create(self, group: IntentGroup, intent: WorkflowIntent) -> None:
        """Keep a new one.

        Raises:
            AlreadyExists: there is one of that name in the group.
        """
        name = intent.metadata.name
        row = {**group._asdict(), "name": name, "body": intent.model_dump(mode="json"), "created_at": datetime.now(UTC)}
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(WORKFLOW_INTENTS).values(row))
        except IntegrityError as error:
            raise AlreadyExists(f"there is a workflow intent called {name}") from error

    def get(self, group: IntentGroup, name: str) -> WorkflowIntent:
        """The intent.

        Raises:
            NotFound: there is none of that name in the group.
        """
        statement = select(WORKFLOW_INTENTS.c.body).where(_in(group), WORKFLOW_INTENTS.c.name == name)
        with self._engine.connect() as connection:
            body = connection.execute(statement).scalar()
        if body is None:
            raise _unknown(name)
        return WorkflowIntent.model_validate(body)

    def list(self, group: IntentGroup) -> Sequence[WorkflowIntent]:
        """All of a group, by name."""
        statement = select(WORKFLOW_INTENTS.c.body).where(_in(group)).order_by(WORKFLOW_INTENTS.c.name)
        with self._engine.connect() as connection:
            return [WorkflowIntent.model_validate(body) for body in connection.execute(statement).scalars()]

    def delete(self, group: IntentGroup, name: str) -> None:
        """Forget one. What it has started goes on.

        Raises:
            NotFound: there is none of that name in the group.
        """
        statement = delete(WORKFLOW_INTENTS).where(_in(group), WORKFLOW_INTENTS.c.name == name)
        with writing(self._engine) as connection:
            if connection.execute(statement).rowcount == 0:
                raise _unknown(name)


def _in(group: IntentGroup) -> ColumnElement[bool]:
    return and_(*(WORKFLOW_INTENTS.c[column] == value for column, value in group._asdict().items()))


def _unknown(name: str) -> NotFound:
    return NotFound(f"no workflow intent of this deployment intent group is called {name}")
