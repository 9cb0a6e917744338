"""Which mails programs wrote, by their subject where no header says so; a person's is none of them [R18]."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from adapters.email.automatic import why_automatic


def why(subject: str) -> str:
    source = f"From: dana@contoso.example\r\nSubject: {subject}\r\n\r\nHello"
    return why_automatic(message_from_bytes(source.encode()))


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: [HD-1024] Printer offline",
        "Automatic reply",
        "Auto-Reply: Printer",
        "Out of Office: Printer",
        "Out of Office AutoReply: Printer",
        "Out of the office",
        "Out of office!",
        "Re: Out of office",
        "AW: Abwesenheitsnotiz",
        "Abwesenheitsnotiz: Drucker",
        "Automatische Antwort: Drucker",
        "Réponse automatique : Imprimante",
        "Absence du bureau",
        "Respuesta automática: Impresora",
        "Resposta automática: Impressora",
        "Risposta automatica: Stampante",
        "Automatisch antwoord: Printer",
        "Automatiskt svar: Skrivare",
        "Odpowiedź automatyczna: Drukarka",
        "Automatická odpověď: Tiskárna",
        "自動応答： プリンター",
        "Автоматический ответ: Принтер",
    ],
)
def test_an_absence_notice_is_known_by_its_subject(subject: str) -> None:
    assert why(subject) == "the subject of an absence notice"


@pytest.mark.parametrize(
    "subject",
    [
        "Out of office not working in Outlook",
        "Re: Out of office not working in Outlook",
        "Out of the office assistant is broken",
        "Out of office message: how do I set it?",
        "Auto reply setup for Dana please",
        "Automatic reply cannot be switched off",
        "Automatic replying",
        "Abwesenheitsnotiz einrichten",
        "Réponse automatique ne marche pas",
        "Respuesta automática no funciona",
        "Frånvaro fungerar inte",
        "Автоматический ответ не работает",
        "Printer is out of office",
    ],
)
def test_a_persons_question_about_absence_notices_is_none(subject: str) -> None:
    assert why(subject) == ""
