"""Commands about the installation itself: upgrade, staff, the practice."""

from collections.abc import Callable

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.cli.root import Failed, root, settings, with_parts
from service.clock import Clock
from service.flows import second_factor, sign_ins
from service.flows.settle_in import found, office_of
from service.flows.staffing import NotNow, add_staff, change_role, disable, enable, everybody, password_link
from service.models import Practice, Staff
from service.models.practice import Role
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.contact import ContactError, read_email
from service.rules.lines import COUNTRIES
from service.rules.rows import NotReadable, office_phone, sender_label, text, zone
from service.upgrade import upgrade
from service.wiring import Parts, build


@root.command("upgrade")
def upgrade_command() -> None:
    """Bring the database to this version. Safe to repeat."""
    parts = build(settings(), stays=False)
    try:
        upgrade(parts.engine, parts.settings.data_dir)
        with parts.open_db() as db:
            found(db, office_of(parts.settings), parts.clock())
    finally:
        parts.engine.dispose()
    click.echo("The database is up to date.")


@root.group("staff")
def staff_group() -> None:
    """The people who use the pages."""


@staff_group.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@with_parts
def add_command(parts: Parts, email: str, name: str, role: str) -> None:
    """Add somebody, and print the one-time link by which they set their password."""
    machine_now = Clock()()
    try:
        with parts.open_db() as db:
            staff = add_staff(db, read_email(email), text(name, "their name", 80), Role(role), parts.clock())
            token = password_link(db, staff, machine_now)
    except (NotNow, ContactError, NotReadable) as error:
        raise Failed(str(error)) from error
    click.echo(f"{parts.settings.public_url}/password/{token}")
    click.echo("The link works once, within the hour.", err=True)


@staff_group.command("remove-factors")
@click.option("--email", required=True)
@with_parts
def remove_factors_command(parts: Parts, email: str) -> None:
    """Remove somebody's authenticator apps, passkeys and recovery codes: they have lost their phone.

    Every browser of theirs is signed out. Make sure first that it is they who ask.
    """
    now = Clock()()
    with parts.open_db() as db:
        found = db.scalars(Staff.with_email(index_of(Channel.EMAIL, email.strip()))).first()
        if found is None:
            raise Failed("Nobody on the staff has this address.")
        count = second_factor.remove_all(db, second_factor.locked(db, found.id), now)
        sign_ins.end_all(db, found.id, now)
    click.echo(f"{count} removed. They sign in with their password; in live mode they set up a new one then.")


@staff_group.command("list")
@with_parts
def list_command(parts: Parts) -> None:
    """Who is on the staff: email, role, state."""
    with parts.read_db() as db:
        for one in everybody(db):
            state = "disabled" if one.staff.disabled_at else "active" if one.staff.password_hash else "no password yet"
            click.echo(f"{one.staff.email}  {one.staff.role}  {state}")


@staff_group.command("link")
@click.option("--email", required=True)
@with_parts
def link_command(parts: Parts, email: str) -> None:
    """Print a new one-time link, for whoever lost their password."""
    with parts.open_db() as db:
        staff = _named(db, email)
        if staff.disabled_at is not None:
            raise Failed("They are disabled. Enable them first.")
        token = password_link(db, staff, Clock()())
    click.echo(f"{parts.settings.public_url}/password/{token}")
    click.echo("The link works once, within the hour.", err=True)


@staff_group.command("role")
@click.option("--email", required=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@with_parts
def role_command(parts: Parts, email: str, role: str) -> None:
    """Change what somebody may open. They are signed out."""
    _change(parts, email, lambda db, staff: change_role(db, staff, Role(role), Clock()()))


@staff_group.command("disable")
@click.option("--email", required=True)
@with_parts
def disable_command(parts: Parts, email: str) -> None:
    """Sign somebody out and let them in no more."""
    _change(parts, email, lambda db, staff: disable(db, staff, Clock()()))


@staff_group.command("enable")
@click.option("--email", required=True)
@with_parts
def enable_command(parts: Parts, email: str) -> None:
    """Let somebody in again."""
    _change(parts, email, lambda db, staff: enable(db, staff, Clock()()))


def _change(parts: Parts, email: str, change: Callable[[Session, Staff], int | None]) -> None:
    try:
        with parts.open_db() as db:
            given_back = change(db, _named(db, email))
    except NotNow as problem:
        raise Failed(str(problem)) from problem
    click.echo(f"Done. {given_back} groups have no facilitator now." if given_back else "Done.")


def _named(db: Session, email: str) -> Staff:
    found = db.scalars(select(Staff).where(Staff.email_index == index_of(Channel.EMAIL, email.strip()))).first()
    if found is None:
        raise Failed("Nobody on the staff has this address.")
    return found


@root.command("practice")
@click.option("--name")
@click.option("--sender", help="Opens every text: neutral, at most 16 characters.")
@click.option("--phone", help="The office's number, as members read it.")
@click.option("--country", type=click.Choice(list(COUNTRIES), case_sensitive=False))
@click.option("--time-zone")
@with_parts
def practice_command(
    parts: Parts,
    name: str | None,
    sender: str | None,
    phone: str | None,
    country: str | None,
    time_zone: str | None,
) -> None:
    """Show the practice, or change what is given."""
    try:
        given = {
            "name": name if name is None else text(name, "the practice's name", 120),
            "sender_label": sender if sender is None else sender_label(sender),
            "phone": phone if phone is None else office_phone(phone),
            "country": country.upper() if country else None,
            "time_zone": zone(time_zone) if time_zone else None,
        }
    except NotReadable as error:
        raise Failed(str(error)) from error
    with parts.open_db() as db:
        practice = db.scalars(select(Practice)).one()
        for field, value in given.items():
            if value:
                setattr(practice, field, value)
        for field in given:
            click.echo(f"{field}: {getattr(practice, field) or '-'}")
