"""The customer portal: one's tickets, what can be done to them, and that staff see it at once [R33]."""

from __future__ import annotations

from tests.portal_people import customer_of, portal_desk
from tests.web_people import signed_in


async def test_a_customer_opens_a_ticket_comments_and_closes_it() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, "dana@contoso.example") as dana:
        number = await dana.open_ticket("The scanner is jammed")
        _, page = await dana.form(f"/portal/tickets/{number}", do="comment", text="It squeaks too")
        assert "Your comment was added." in page
        assert "It squeaks too" in page
        _, page = await dana.form(f"/portal/tickets/{number}", do="solved")
        assert "HD-1001 is closed." in page
        _, listed = await dana.get("/portal")
        assert "Past" in listed
        _, page = await dana.form(f"/portal/tickets/{number}", do="comment", text="Jammed again")
        assert "Received" in page
        async with signed_in(desk) as marcus, await marcus.get(f"/console/api/tickets/{number}") as answer:
            seen = await answer.json()
        assert seen["ticket"]["requester"] == "Dana Reyes"
