from __future__ import annotations

import pytest

from chatdesk.survey import FieldType, Survey, SurveyField
from flows.pre_chat_survey import SurveyRefused, check_answers, find_problem, is_email, tidy
from tests.desk_builders import ANSWERS, NORTHWIND

SURVEY = NORTHWIND.survey
EMOJI = "👩\u200d💻 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ❤\ufe0f"
FILL_IN = "Please fill in this field."
PRINTING = Survey(
    "Send",
    (
        SurveyField("category", "What about?", FieldType.CHOICE, options=("Computer", "Printing")),
        SurveyField("printer", "Which printer?", required=True, when=(("category", ("Printing",)),)),
        SurveyField("paper", "Which paper?", FieldType.CHOICE, options=("A4", "Letter"),
                    when=(("category", ("Printing",)), ("printer", ("NW-2F",)))),
    ),
)  # fmt: skip


def refusal(survey: Survey, answers: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SurveyRefused) as refused:
        check_answers(survey, answers)
    return refused.value.problems


def problem_of(field_id: str, answer: str) -> str:
    return refusal(SURVEY, {**ANSWERS, field_id: answer})[field_id]


def test_complete_answers_come_back_in_the_survey_s_order() -> None:
    backwards = dict(reversed(ANSWERS.items()))
    assert list(check_answers(SURVEY, backwards).items()) == list(ANSWERS.items())


def test_every_missing_answer_is_named_at_once() -> None:
    assert refusal(SURVEY, {}) == dict.fromkeys(("name", "company", "email", "phone", "issue"), FILL_IN)


def test_a_refusal_points_at_the_first_field_at_fault() -> None:
    with pytest.raises(SurveyRefused) as refused:
        check_answers(SURVEY, {**ANSWERS, "phone": "", "issue": ""})
    assert (refused.value.code, refused.value.field) == ("survey", "phone")
    assert str(refused.value) == "Please check the marked fields."


@pytest.mark.parametrize(
    "blank",
    ["", " ", "\t \r\n", "\u00a0\u2003\u3000", "\u200b\u2060\ufeff", "\0\0", "\u200d\u200e",
     "\u2800 \u3164", "\u202e"],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize("field_id", ["name", "email", "phone", "issue"])
def test_blanks_are_no_answer_to_a_required_field(field_id: str, blank: str) -> None:
    assert problem_of(field_id, blank) == FILL_IN


def test_blanks_in_a_field_that_may_be_empty_are_left_out() -> None:
    assert "impact" not in check_answers(SURVEY, {**ANSWERS, "impact": " \t"})


def test_answers_to_questions_that_are_not_asked_are_dropped() -> None:
    assert check_answers(SURVEY, {**ANSWERS, "admin": "yes"}) == ANSWERS


# Fields that depend on others


def test_a_dependent_field_is_required_only_when_it_is_asked() -> None:
    assert check_answers(PRINTING, {"category": "Computer"}) == {"category": "Computer"}
    assert refusal(PRINTING, {"category": "Printing"}) == {"printer": FILL_IN}


def test_an_answer_to_a_dependent_field_that_is_not_asked_is_dropped() -> None:
    assert check_answers(PRINTING, {"category": "Computer", "printer": "NW-2F"}) == {"category": "Computer"}
    assert check_answers(PRINTING, {"printer": "NW-2F"}) == {}


def test_a_field_that_depends_on_a_faulty_answer_is_not_asked() -> None:
    assert list(refusal(PRINTING, {"category": "Scanning", "paper": "A4"})) == ["category"]


def test_a_field_depends_on_the_answer_as_it_is_taken() -> None:
    assert refusal(PRINTING, {"category": " Printing\n"}) == {"printer": FILL_IN}
    ghost = SurveyField("cost", "Which cost centre?", required=True, when=(("printer", ("NW-2F",)),))
    chained = Survey("Send", (*PRINTING.fields, ghost))
    assert check_answers(chained, {"category": "Computer", "printer": "NW-2F"}) == {"category": "Computer"}


def test_a_field_may_depend_on_two_others() -> None:
    answers = {"category": "Printing", "printer": "NW-2F", "paper": "A4"}
    assert check_answers(PRINTING, answers) == answers
    assert "paper" not in check_answers(PRINTING, {**answers, "printer": "NW-3F"})


# Choices and lengths


@pytest.mark.parametrize("answer", ["Nobody", "only me", "Only me, Everyone", "Only\u200d me"])
def test_a_choice_takes_nothing_but_its_options(answer: str) -> None:
    assert problem_of("impact", answer) == "Please choose one of the answers."


def test_a_choice_may_come_with_white_space_around() -> None:
    assert check_answers(SURVEY, {**ANSWERS, "impact": " Only me\r\n"})["impact"] == "Only me"


@pytest.mark.parametrize("field_id", ["name", "company", "issue"])
def test_the_longest_answer_is_taken_and_one_character_more_is_not(field_id: str) -> None:
    field = SURVEY.field(field_id)
    assert field is not None
    longest = "é" * field.max_length
    assert check_answers(SURVEY, {**ANSWERS, field_id: longest})[field_id] == longest
    too_long = f"Please shorten this to {field.max_length:,} characters; it has {field.max_length + 1:,}."
    assert problem_of(field_id, longest + "é") == too_long


# Characters


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("  Dana\tReyes \r\n", "Dana Reyes"),
        ("Da\0na", "Dana"),
        ("Da\x1b[31mna\x7f", "Da[31mna"),
        ("Dana\nReyes", "Dana Reyes"),
        ("Dana\u2028Reyes", "Dana Reyes"),
        ("Dana\ud800", "Dana"),
        ("\u202eanaD", "anaD"),
        ("دانا רייס", "دانا רייס"),
        ("\u200fدانا", "\u200fدانا"),
        ("می‌خواهم", "می‌خواهم"),
        (EMOJI, EMOJI),
        ("Zoë Ng\u0303", "Zoë Ng\u0303"),
        ("<b>&amp;</b> 'x' -- ;", "<b>&amp;</b> 'x' -- ;"),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_short_answer_is_one_line_without_control_characters(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


def test_a_long_answer_keeps_its_lines() -> None:
    assert tidy("one\r\ntwo\rthree\n\n\tfour\0\n", keep_lines=True) == "one\ntwo\nthree\n\n\tfour"


# Addresses and numbers


@pytest.mark.parametrize(
    "email",
    [
        "dana@example.com", "d.r+desk@mail.example.co", "o'neil@example.com", "x@a-b.example",
        "jürgen@example.de", "dana@exämple.com", "dana@straße.example", "d_@1.example",
        "dana@example.xn--p1ai", "a" * 64 + "@example.com",
    ],
)  # fmt: skip
def test_a_plain_address_is_taken(email: str) -> None:
    assert is_email(email)
    assert check_answers(SURVEY, {**ANSWERS, "email": f" {email} "})["email"] == email


@pytest.mark.parametrize(
    "email",
    [
        "dana", "dana@", "@example.com", "dana@example", "dana@@example.com", "dana@example..com",
        "da..na@example.com", ".dana@example.com", "dana.@example.com", "dana@.example.com",
        "dana@-a.example",
        "dana@a-.example", "dana@example.c", "dana@127.0.0.1", "dana@[127.0.0.1]", "dana@exam ple.com",
        "Dana <dana@example.com>", "dana@example.com,eve@example.com", "dana@example.com;eve@example.com",
        "dana@example.com eve@example.com", "dana@example.com\r\nBcc: eve@example.com",
        "dana@example.com\nBcc:eve@example.com", "\"da na\"@example.com", "dana(x)@example.com",
        "dana\\@example.com", "mailto:dana@example.com", "a" * 65 + "@example.com",
        "dana@" + "a" * 64 + ".com", "dana@" + "a." * 130 + "com", "(" * 5000 + "@example.com",
        "dana@exämple.com.", "dana@ä", "dana@ä\n.com", "dana@-ä.com.-", "dana@" + "ä" * 64 + ".com",
        "dana@ex\u2028ämple.com", "dana@ä..com", "dana@example.com.",
    ],
    ids=lambda email: ascii(email)[:40],
)  # fmt: skip
def test_what_is_not_one_plain_address_is_refused(email: str) -> None:
    assert not is_email(email)
    assert "email" in refusal(SURVEY, {**ANSWERS, "email": email})


@pytest.mark.parametrize("tail", ["\r\nBcc: eve@example.com", "\n", "\r", "\0", " "], ids=ascii)
def test_an_address_with_a_line_break_or_blank_is_no_address(tail: str) -> None:
    assert not is_email("dana@example.com" + tail)


def test_the_fix_for_an_address_shows_one() -> None:
    assert problem_of("email", "dana") == "Please enter an e-mail address such as dana@example.com."


@pytest.mark.parametrize(
    "phone",
    [
        "555-0134", "+1 (555) 555-0134", "555.555.0134", "555-0134 x22", "555-0134 Ext. 22",
        "555-0134, 555-0135",
        "555-0134 / 555-0135; 555-0136", "555–0134", "555\u00a00134", "0134", "555-0134 #22",
    ],
)  # fmt: skip
def test_call_back_numbers_are_taken(phone: str) -> None:
    assert check_answers(SURVEY, {**ANSWERS, "phone": phone})["phone"] == tidy(phone)


@pytest.mark.parametrize(
    "phone",
    ["none", "-----", "+", "123", "x x x x", "555-O134", "<b>555-0134", "dana@example.com", "tel:555-0134"],
)  # fmt: skip
def test_what_cannot_be_called_is_refused(phone: str) -> None:
    assert problem_of("phone", phone) == "Please enter a phone number such as 555-0134."


def test_one_field_can_be_checked_alone() -> None:
    field = SURVEY.field("name")
    assert field is not None
    assert find_problem(field, "Dana") == ""
    assert find_problem(field, "") == FILL_IN
