import typer
app = typer.Typer(help="x")
@app.callback()
def _g() -> None: ...
