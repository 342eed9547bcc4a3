from pathlib import Path

base = Path("project")
for name in ("src/a.py", "src/pkg/b.py", "README.md", "data/x.csv"):
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {path.stem}\n")
print(sorted(str(path) for path in base.rglob("*.py")), sorted(path.name for path in base.iterdir()))
readme = base / "README.md"
print(readme.with_suffix(".txt"), readme.stat().st_size, readme.is_file(), readme.parts, readme.relative_to(base))
(base / "src" / "a.py").rename(base / "moved.py")
readme.unlink()
try:
    (base / "src").rmdir()
except OSError as error:
    print(type(error).__name__, error.errno)
print(sorted(path.as_posix() for path in base.glob("**/*")), Path("x").resolve() == Path.cwd() / "x")
