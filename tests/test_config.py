from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chatdesk.config import (
    DEMONSTRATION,
    AfterHours,
    Article,
    Config,
    Links,
    MaintenanceWindow,
    PriorityMatrix,
    QueueOrder,
    SlaTarget,
    UnknownSender,
    load_config,
    parse_config,
)
from chatdesk.duration import BusinessDays
from chatdesk.errors import ConfigurationError
from chatdesk.portal import with_portal
from chatdesk.settings.survey import DEFAULT_SURVEY
from chatdesk.survey import FieldType
from chatdesk.ticket import Priority

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "chatdesk.toml.example"
NAMED = '[desk]\nname = "Northwind IT"\n'


def read(text: str) -> Config:
    return parse_config(NAMED + text, "chatdesk.toml")


@pytest.fixture(scope="module")
def example() -> Config:
    return load_config(EXAMPLE)


def test_the_example_describes_the_desk(example: Config) -> None:
    desk = example.desk
    assert (desk.name, desk.phone, desk.ticket_prefix) == ("Northwind IT", "555-0100", "HD")
    assert example.desk.timezone == ZoneInfo("America/New_York")
    assert example.source == str(EXAMPLE)
    assert example.queue.order is QueueOrder.PRIORITY
    assert example.queue.no_answer == timedelta(minutes=3)
    assert example.tickets.auto_close == timedelta(0)
    assert example.tickets.reopen_window is None
    assert example.links == Links(
        "https://pay.example.com", "https://book.example.com", "https://help.example.com"
    )


def test_the_example_lists_its_channels_in_the_order_shown_to_customers(example: Config) -> None:
    assert list(example.channels) == ["web", "form", "email", "portal", "phone"]
    web, _, email, portal, phone = example.channels.values()
    assert (web.calendar.name, web.after_hours, web.label) == ("chat", AfterHours.TICKET, "Live chat")
    assert (email.priority, email.first_contact) == (Priority.STANDARD, timedelta(hours=6))
    assert email.unknown_sender is UnknownSender.HOLD
    assert portal.customer_sets_priority
    assert phone.calendar.always_open


def test_the_example_calendars_share_their_holidays(example: Config) -> None:
    assert list(example.calendars) == ["desk", "chat", "always", "never"]
    assert example.calendars["chat"].holidays == example.calendars["desk"].holidays
    assert date(2026, 11, 26) in example.calendars["chat"].holidays
    closing = datetime(2026, 9, 18, 21, 30, tzinfo=UTC)
    assert not example.calendars["chat"].is_open(closing)
    assert example.calendars["chat"].is_open(closing - timedelta(seconds=1))


def test_the_example_has_the_sample_policy(example: Config) -> None:
    assert example.sla == {
        Priority.CRITICAL: SlaTarget(timedelta(minutes=15), timedelta(hours=4), "always"),
        Priority.HIGH: SlaTarget(timedelta(hours=2), timedelta(hours=2), "desk"),
        Priority.STANDARD: SlaTarget(timedelta(hours=4), timedelta(hours=8), "desk", timedelta(hours=1)),
        Priority.LOW: SlaTarget(timedelta(hours=24), timedelta(hours=48), "elapsed"),
        Priority.SCHEDULED: SlaTarget(None, BusinessDays(5), "desk"),
    }


@pytest.mark.parametrize(
    ("row", "minutes"),
    [
        ('standard = { respond = "4h" }', 60),
        ('standard = { respond = "1h", resolve = "8h" }', 15),
        ('standard = { resolve = "5bd" }', 60),
        ('standard = { respond = "4h", escalate = "30m" }', 30),
        ('standard = { respond = "4h", escalate = "0m" }', 0),
        ("standard = {}", 0),
    ],
)
def test_a_standard_ticket_escalates_an_hour_or_a_quarter_of_its_target_before_it(
    row: str, minutes: int
) -> None:
    sla = read(f"[sla]\n{row}").sla
    assert sla[Priority.STANDARD].escalate == timedelta(minutes=minutes)
    assert sla[Priority.HIGH].escalate == timedelta(0)


def test_the_example_survey_is_also_what_is_asked_without_one(example: Config) -> None:
    assert example.survey == DEFAULT_SURVEY
    assert read("").survey == DEFAULT_SURVEY
    kinds = [field.type for field in example.survey.fields[4:]]
    assert kinds == [FieldType.CHOICE, FieldType.CHOICE, FieldType.LONG]


def test_the_example_is_served_with_no_more_than_a_secret(example: Config) -> None:
    assert example.staff.slack is example.staff.teams is None


def test_the_example_names_the_maintenance(example: Config) -> None:
    assert example.maintenance == (
        MaintenanceWindow("Windows patching", 2, (1, 3), time(1), time(4), time(5)),
    )
    assert [article.title for article in example.articles] == ["When are updates installed on my computer?"]


def test_the_keys_commented_out_in_the_example_are_right_too() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    extras = re.sub(r"(?m)^# (?=\[|\w+ = )", "", text)
    config = parse_config(extras, "chatdesk.toml")
    assert [widget.key for widget in config.widgets] == ["desk", "contoso-web"]
    assert [company.id for company in config.companies] == ["contoso"]
    assert len(config.canned) == 1
    assert config.staff.slack is not None and config.staff.teams is not None
    assert config.staff.slack.channel_for("contoso") == "C0TRIAGE"
    assert config.staff.teams.channel == "19:abc@thread.tacv2"
    assert config.desk.email == "help@northwind.example"


def test_customers_are_shown_the_channels_in_the_files_order_and_the_portal_once_they_can_sign_in(
    example: Config,
) -> None:
    assert [channel.name for channel in example.ways_in] == ["web", "form", "email", "phone"]
    config = read("[channels]\nphone = {}\nportal = {}\nweb = {}\n")
    assert list(config.channels) == ["phone", "portal", "web"]
    assert [channel.name for channel in config.ways_in] == ["phone", "web"]
    opened = with_portal(config, ["a service"])
    assert [channel.name for channel in opened.ways_in] == ["phone", "portal", "web"]
    assert not with_portal(config, []).portal_opens
    assert not with_portal(read(""), ["a service"]).portal_opens


def test_a_manager_is_one_companys_in_any_capitals() -> None:
    config = read('[companies.contoso]\nname = "Contoso"\nmanagers = ["Lee@Contoso.example"]\n')
    company = config.managed_by("lee@contoso.example")
    assert company is not None
    assert company.managers == ("lee@contoso.example",)
    assert config.managed_by("dana@contoso.example") is None


def test_a_name_is_all_a_desk_needs() -> None:
    config = read("")
    assert config.desk.timezone == ZoneInfo("UTC")
    assert (config.desk.ticket_prefix, config.desk.first_ticket, config.desk.phone) == ("HD", 1001, "")
    assert list(config.channels) == ["web", "form", "email", "phone"]
    assert all(channel.calendar.always_open for channel in config.channels.values())
    assert set(config.sla) == set(Priority)
    assert config.staff.slack is config.staff.teams is None
    assert config.tickets.reopen_window is None
    assert [widget.key for widget in config.widgets] == ["desk"]
    assert config.widgets[0].origins == ()


def test_a_calendar_named_desk_is_the_usual_one() -> None:
    config = read('[calendars.desk]\nmon-fri = "08:00-16:00"\n')
    assert config.channels["phone"].calendar.name == "desk"
    assert config.channel("slack").calendar.name == "desk"
    assert config.sla[Priority.HIGH].clock == "desk"
    assert config.widgets[0].calendar.name == "desk"


def test_a_usual_calendar_that_never_opens_does_not_become_a_clock() -> None:
    assert read('[calendars]\ndesk = "never"\n').sla[Priority.HIGH].clock == "always"


def test_only_the_listed_channels_are_offered_in_the_files_order() -> None:
    config = read('[channels]\nphone = {}\nweb = { label = "Chat" }\n')
    labels = [(name, channel.label) for name, channel in config.channels.items()]
    assert labels == [("phone", "Phone"), ("web", "Chat")]


def test_an_sla_row_that_is_left_out_keeps_its_default_and_an_empty_one_sets_no_target() -> None:
    config = read("[sla]\nstandard = {}\n")
    assert config.sla[Priority.STANDARD] == SlaTarget(None, None, "always")
    assert config.sla[Priority.LOW] == SlaTarget(timedelta(hours=24), timedelta(hours=48), "elapsed")


def test_a_calendar_can_have_its_own_time_zone_and_take_holidays_from_one_further_down() -> None:
    config = read(
        '[calendars.chat]\nmon-fri = "07:00-17:30"\ntimezone = "America/Chicago"\nholidays = "desk"\n'
        '[calendars.desk]\ndaily = "08:00-16:00"\nholidays = ["US-NY", 2026-03-02]\n'
    )
    chat = config.calendars["chat"]
    assert chat.timezone == ZoneInfo("America/Chicago")
    assert date(2026, 3, 2) in chat.holidays
    assert date(2027, 7, 5) in chat.holidays


def test_the_matrix_proposes_a_priority_and_standard_when_an_answer_is_missing(example: Config) -> None:
    matrix = example.priority
    assert matrix.propose({"impact": "Everyone", "urgency": "No"}) is Priority.CRITICAL
    assert matrix.propose({"impact": "Only me", "urgency": "Yes"}) is Priority.LOW
    assert matrix.propose({"impact": "Only me"}) is Priority.STANDARD
    assert matrix.propose({"impact": "Nobody", "urgency": "Yes"}) is Priority.STANDARD
    assert read("").priority == matrix


NEEDED_FIELDS = """
fields = [
  { id = "name", ask = "Name" }, { id = "company", ask = "Company" }, { id = "email", ask = "E-mail" },
  { id = "phone", ask = "Phone" }, { id = "issue", ask = "Issue" },
"""


def test_the_types_of_the_needed_fields_are_known() -> None:
    survey = read(f"[survey]{NEEDED_FIELDS}]").survey
    kinds = [FieldType.TEXT, FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.LONG]
    assert [field.type for field in survey.fields] == kinds
    assert [field.required for field in survey.fields] == [True, False, True, False, True]
    assert [field.max_length for field in survey.fields] == [200, 200, 254, 100, 4000]


def test_a_survey_without_impact_and_urgency_proposes_standard() -> None:
    assert read(f"[survey]{NEEDED_FIELDS}]").priority == PriorityMatrix()


def test_the_matrix_can_name_other_questions() -> None:
    config = read(
        '[priority]\nimpact_field = "who"\nurgency_field = "work"\n'
        'Me = ["low", "high"]\nAll = ["high", "critical"]\n'
        f"[survey]{NEEDED_FIELDS}"
        '{ id = "who", ask = "Who?", options = ["Me", "All"] },'
        '{ id = "work", ask = "Work?", options = ["Yes", "No"] }]'
    )
    assert config.priority.propose({"who": "All", "work": "No"}) is Priority.CRITICAL


def test_the_default_matrix_counts_only_for_the_urgency_answers_in_its_order() -> None:
    survey = (
        f"[survey]{NEEDED_FIELDS}"
        '{ id = "impact", ask = "Who?", options = ["Everyone", "Only me", "Several people"] },'
        '{ id = "urgency", ask = "Work?", options = ["No", "With difficulty", "Yes"] }]'
    )
    with pytest.raises(ConfigurationError, match=r"priority\.Everyone: is missing; write 3 priorities"):
        read(survey)
    fitting = survey.replace('"No", "With difficulty", "Yes"', '"Yes", "With difficulty", "No"')
    assert read(fitting).priority.propose({"impact": "Everyone", "urgency": "No"}) is Priority.CRITICAL


def test_a_calendar_can_add_days_to_the_holidays_of_others() -> None:
    config = read(
        '[calendars.desk]\nmon-fri = "08:00-16:00"\nholidays = "US"\n'
        '[calendars.chat]\nmon-fri = "07:00-17:30"\nholidays = ["desk", "2026-12-24"]\n'
    )
    assert date(2026, 12, 24) in config.calendars["chat"].holidays
    assert date(2026, 12, 25) in config.calendars["chat"].holidays
    assert date(2026, 12, 24) not in config.calendars["desk"].holidays


def test_a_company_is_found_by_the_domain_of_an_address_in_any_case() -> None:
    config = read('[companies.contoso]\nname = "Contoso"\ndomains = ["Contoso.example"]\n')
    company = config.company_of("Dana@CONTOSO.example")
    assert company is not None
    assert company is config.company("contoso")
    assert config.company_of("dana@notcontoso.example") is None
    assert config.company_of("contoso.example.evil.example") is None


def test_a_companys_widget_has_its_colours_and_hours_and_inherits_the_rest() -> None:
    config = parse_config(
        '[desk]\nname = "Northwind IT"\nlogo = "https://www.example.com/l.svg"\n'
        'public_url = "https://Desk.example.com/"\n'
        '[calendars.late]\ndaily = "18:00-23:00"\n'
        '[companies.contoso]\nname = "Contoso"\nwidget = "c-1"\norigins = ["https://WWW.contoso.example:443"]\n'
        'colour = "#0B6E4F"\ncalendar = "late"\n',
        "chatdesk.toml",
    )
    widget = config.widget("c-1")
    assert widget is not None
    assert (widget.company, widget.colour, widget.logo) == (
        "contoso",
        "#0b6e4f",
        "https://www.example.com/l.svg",
    )
    assert widget.calendar is config.calendars["late"]
    assert widget.origins == ("https://desk.example.com", "https://www.contoso.example")
    assert config.desk.public_url == "https://desk.example.com"
    assert config.widget("c-2") is None


def test_a_company_can_have_its_own_staff_channel() -> None:
    config = read(
        '[companies.contoso]\nname = "Contoso"\n'
        '[staff.slack]\nchannel = "C0TRIAGE"\n[staff.slack.companies]\ncontoso = "C0CONTOSO"\n'
    )
    assert config.staff.slack is not None
    assert config.staff.slack.channel_for("contoso") == "C0CONTOSO"
    assert config.staff.slack.channel_for("fabrikam") == "C0TRIAGE"
    assert config.staff.slack.channel_for(None) == "C0TRIAGE"


def test_links_of_any_name_are_kept_in_order() -> None:
    links = read(
        '[links]\nstatus = "https://s.example.com"\nremote = "https://r.example.com"\ncall = "tel:5550100"\n'
    ).links
    assert links.remote == "https://r.example.com"
    assert list(links.others.items()) == [("status", "https://s.example.com"), ("call", "tel:5550100")]


def test_an_article_has_its_answer_or_a_link_to_it() -> None:
    config = read(
        '[[articles]]\ntitle = " A "\ntext = """\nOne\n\n- two\n"""\n'
        '[[articles]]\ntitle = "B"\nurl = "https://b.example/x"\n'
    )
    assert config.articles == (Article("A", "One\n\n- two"), Article("B", url="https://b.example/x"))


def test_twenty_articles_are_allowed_and_no_more() -> None:
    article = '[[articles]]\ntitle = "A"\ntext = "B"\n'
    assert len(read(article * 20).articles) == 20
    with pytest.raises(ConfigurationError, match=r"articles: has 21 articles; at most 20 are allowed\."):
        read(article * 21)


def test_maintenance_times_may_be_toml_times() -> None:
    config = read(
        '[[maintenance]]\nname = "P"\non = "sunday"\nwindow = "23:00-01:00"\nservers_until = 02:30:00\n'
    )
    assert config.maintenance == (MaintenanceWindow("P", 6, (), time(23), time(1), time(2, 30)),)


def test_the_demonstration_desk_shows_both_paths_at_any_time_of_day() -> None:
    config = load_config(None)
    assert config.source == DEMONSTRATION
    open_widget, closed_widget = config.widget("desk"), config.widget("after-hours")
    assert open_widget is not None
    assert closed_widget is not None
    assert open_widget.calendar.always_open
    assert closed_widget.calendar.never_open
    assert [company.name for company in config.companies] == ["Contoso", "Fabrikam"]
    assert len(config.canned) == 4


def test_the_demonstration_desk_asks_which_printer_only_for_printing() -> None:
    printer = load_config(None).survey.field("printer")
    assert printer is not None
    assert printer.is_asked({"category": "Printing"})
    assert not printer.is_asked({"category": "Computer"})
