"""Words that no file may hold: one machine's paths, addresses of registries, work put off."""

import re

import pytest

from tests.architecture.source import ROOT, project_files

# Each has a letter in brackets, or this file would hold what it bans.
BANNED = {
    "a path of one machine": r"(?<![\w.$}-])/(?:wor[k]|roo[t]|home/[a-z]+|User[s]/[A-Za-z]+)/",
    "a registry's address": r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|-index-url[ =]+\w+:/",
    "work put off": r"\b(?:TOD[O]|FIXM[E]|XX[X])\b",
}
BINARY = {".parquet", ".png", ".woff2", ".zip", ".gz", ".ico"}


@pytest.mark.parametrize("what", BANNED)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(BANNED[what])
    found = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in project_files()
        if path.suffix not in BINARY
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of one machine", 'open("/{}/x")'.format("root")),
        ("a path of one machine", "cd /{}/main".format("work")),
        ("a registry's address", "--index-url {}://example".format("https")),
        ("a registry's address", "https://{}.org/simple".format("pypi")),
        ("work put off", "# {}DO: later".format("TO")),
    ],
)
def test_a_banned_word_is_found(what: str, line: str) -> None:
    assert re.search(BANNED[what], line)


def test_a_path_inside_the_project_is_no_path_of_a_machine() -> None:
    assert not re.search(BANNED["a path of one machine"], "src/{}/x".format("work"))
