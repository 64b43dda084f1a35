"""The handler `reports`, to have something to run: put your own in its place."""

from schedulezero.handler import Context, Handler

handler = Handler("reports")


@handler.method
async def build(ctx: Context, month: str, copies: int = 1) -> dict[str, str | int]:
    """Build the report of a month, `2026-11`."""
    ctx.log.info("building", month=month)
    return {"file": f"/reports/{month}.pdf", "copies": copies}


if __name__ == "__main__":
    handler.run()
