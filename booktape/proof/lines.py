"""Follows the sessions of lines, so as to find a session that is wholly gone."""

from collections.abc import Container, Mapping, Sequence

from booktape.keys import Key, are_of_one_line
from booktape.proof.findings import Range, Report


def judge_lines(
    followed: Mapping[str, str],
    manifests: Mapping[str, Sequence[Key]],
    orphans: Container[str],
    report: Report,
) -> None:
    """Add to the report each session that another one follows but that the tape lacks.

    `followed` maps each session to the one that it follows; `manifests` has those of the whole
    tape, by their sessions; `orphans` are sessions with segments that no manifest names.
    """
    ended = {found.session for found in report.sessions if found.ended}
    for session, before in followed.items():
        if manifests.get(before) or before in orphans:
            continue
        there = [other for other, keys in manifests.items() if keys]
        line = [other for other in there if are_of_one_line(other, session)]
        has_just_begun = session == max(line) and len(manifests[session]) == 1
        if before < min(line):  # lifecycle takes the oldest first
            ranges, reason = report.expired, "it is older than all that is left of its line"
        elif has_just_begun and session not in ended:
            # A flush of each may be on its way, and the newer session's may arrive first.
            ranges, reason = report.pending, f"{session} has just begun behind it"
        else:
            ranges, reason = report.faults, f"nothing is left of this session before {session}"
        ranges.append(Range(before, None, None, None, reason))
