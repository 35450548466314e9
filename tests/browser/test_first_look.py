from .desk import Desk
from .house import House


async def test_the_integrations_page_names_who_is_signed_in(
    banked_house: House, desk: Desk
) -> None:
    page = await desk.open(banked_house, "/config/integrations/integration/monzo")
    await page.get_by_text("Ann Archer").first.wait_for()
    await desk.shot("integration")
