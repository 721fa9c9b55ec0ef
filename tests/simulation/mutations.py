"""What could be wrong with the code: a passage, and what it is changed to."""

from typing import Final, NamedTuple

ADMISSION: Final = "services/buffer_writer/admission.py"
COMMITTED: Final = "services/buffer_writer/committed.py"
FILES: Final = "shared/process/files.py"
FOLDERS: Final = "booktape/store/files.py"
LEFTOVERS: Final = "shared/ingest/leftovers.py"
LEFT: Final = "services/operator/health/left.py"
LEDGER: Final = "services/buffer_writer/ledger.py"
JOURNAL: Final = "shared/delivery/journal.py"
JOURNAL_FILE: Final = "shared/delivery/journal_file.py"
RECORD_FILE: Final = "shared/process/record_file.py"
CURSOR: Final = "shared/delivery/cursor.py"
SENDER: Final = "shared/delivery/sender.py"
STORE: Final = "booktape/store/folder.py"
STORE_S3: Final = "booktape/store/s3.py"
SEGMENT: Final = "services/buffer_writer/segment.py"
SESSIONS: Final = "services/buffer_writer/sessions.py"
SPOOL: Final = "services/buffer_writer/spool.py"
UPLOADER: Final = "services/buffer_writer/uploader.py"
WRITER: Final = "services/buffer_writer/writer.py"


class Mutation(NamedTuple):
    """One fault; `arguments` choose the runs that can catch it."""

    name: str
    path: str
    before: str
    after: str
    arguments: tuple[str, ...] = ()


MUTATIONS: Final = (
    # --- the ingest's side ---
    Mutation(
        "the journal's file is not synced",
        JOURNAL,
        "                    file.sync()\n",
        "                    pass\n",
    ),
    Mutation(
        "the names of the journal's files are not synced",
        JOURNAL,
        "            if has_unsynced_names:\n",
        "            if False:\n",
    ),
    Mutation(
        "the folders of the first journal are not synced",
        JOURNAL,
        "            make_folder(folder)\n",
        "            folder.mkdir(parents=True, exist_ok=True)\n",
    ),
    Mutation(
        "a new journal's name is not synced",
        JOURNAL,
        "            partial.rename(folder / session)\n            sync_folder(folder)\n",
        "            partial.rename(folder / session)\n",
    ),
    Mutation(
        "what is appended during a sync counts as synced",
        JOURNAL,
        "        self.synced = end\n",
        "        self.synced = self.next_number\n",
    ),
    Mutation(
        "what is written during a sync is sent",
        JOURNAL,
        "            file.synced_size = size\n",
        "            file.synced_size = file.size\n",
    ),
    Mutation(
        "what is not synced is sent",
        CURSOR,
        "limit = self._file.synced_size",
        "limit = self._file.size",
    ),
    Mutation(
        "the journal is trimmed to what the writer has received",
        SENDER,
        "journal.trim(committed)",
        "journal.trim(expected)",
    ),
    Mutation(
        "the journal is removed once the writer has received it",
        SENDER,
        "journal.is_delivered(committed)",
        "journal.is_delivered(expected)",
    ),
    Mutation(
        "the journal is trimmed by one file too many",
        JOURNAL,
        "self._files[kept].first > committed",
        "self._files[kept - 1].first > committed",
    ),
    Mutation(
        "a torn tail is not cut off and appended to",
        JOURNAL,
        "                file.size = end\n                file.cut_tail()\n",
        "                file.size = end + 1\n",
    ),
    Mutation(
        "a short write is kept",
        RECORD_FILE,
        "            self.cut_tail()\n            raise JournalError",
        "            self.size += written\n            raise JournalError",
    ),
    Mutation(
        "a journal is read up to its first damage",
        JOURNAL_FILE,
        "                position = self._records.find(position + 1, limit)\n",
        "                position = None\n",
    ),
    Mutation(
        "a journal of damage alone goes on in a file of the same name",
        JOURNAL,
        "file.size >= JOURNAL_FILE_BYTES_MAX and file.first < self.next_number",
        "file.size >= JOURNAL_FILE_BYTES_MAX",
    ),
    Mutation(
        "an adopted journal begins its numbers anew at its last file",
        JOURNAL,
        "first = max(file.first, last.last + 1) if last else file.first",
        "first = file.first",
    ),
    Mutation(
        "anybody may own a journal",
        FILES,
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
    ),
    Mutation(
        "the base is as of writing",
        CURSOR,
        "encode(structs.replace(frame, base=base))",
        "encode(frame)",
    ),
    Mutation(
        "what follows damage is sent before what precedes it is committed",
        CURSOR,
        "            if max(committed, base) < self.number:\n                return None\n",
        "",
    ),
    Mutation(
        "frames that got lost are not sent again",
        SENDER,
        "            self._go_back(now_s)\n",
        "            pass\n",
    ),
    Mutation(
        "a session that has ended is ended again",
        LEFTOVERS,
        "            if journal and not journal.ended and not journal.is_cut_short:\n",
        "            if journal and not journal.is_cut_short:\n",
    ),
    # --- the writer's side ---
    Mutation(
        "files are renamed before they are synced",
        FILES,
        "                os.fsync(file.fileno())\n",
        "                pass\n",
    ),
    Mutation(
        "a replaced file's folder is not synced",
        FILES,
        "    if fsync:\n        sync_folder(path.parent)\n",
        "",
    ),
    Mutation(
        "a new folder's name is not synced",
        FOLDERS,
        "            sync_folder(folder)\n",
        "            pass\n",
    ),
    Mutation(
        "a folder that a killed process has made counts as synced",
        FOLDERS,
        "    path.mkdir(parents=True, exist_ok=True)\n    device",
        "    if path.is_dir():\n        return\n    path.mkdir(parents=True)\n    device",
        ("--walks",),
    ),
    Mutation(
        "a segment is not synced",
        SEGMENT,
        "        os.fsync(file.fileno())\n",
        "",
        ("--parquet",),
    ),
    Mutation(
        "the watermark is what was received",
        WRITER,
        "(known[session].next, number) for",
        "(number, number) for",
    ),
    Mutation(
        "what the writer has is taken again",
        WRITER,
        "        if frame.first < expected:\n            frame = cut_frame(frame, expected)\n",
        "",
    ),
    Mutation(
        "every frame that comes is taken",
        WRITER,
        """\
        if frame.last < expected or frame.first > expected:
            self.counters.frames_doubled += frame.last < expected
            self.counters.frames_ahead += frame.first > expected
            return
        is_end = ends_session(frame, data)
        if frame.first < expected:
            frame = cut_frame(frame, expected)
""",
        "        is_end = ends_session(frame, data)\n",
    ),
    Mutation(
        "a frame is taken whatever is missing before it",
        WRITER,
        "if frame.last < expected or frame.first > expected:",
        "if frame.last < expected:",
    ),
    Mutation(
        "a hole is not written down",
        WRITER,
        "            self._append_hole(session, frame.base)\n",
        "            self._expected[session] = frame.base\n",
    ),
    Mutation(
        "the buffer is not flushed when it is full",
        WRITER,
        "        return buffer is not None and (\n",
        "        return False and (\n",
    ),
    Mutation(
        "a session whose file is lost begins anew",
        ADMISSION,
        "if base or not self._committed.is_new(session):",
        "if False:",
    ),
    Mutation(
        "the names of the segments are not synced before the manifest",
        SPOOL,
        "            sync_folder(self._folder)\n            manifest = make_manifest",
        "            manifest = make_manifest",
        ("--walks",),
    ),
    Mutation(
        "the manifest is committed before the segments",
        SPOOL,
        """\
            for table, segment in segments.items():
                segment.path.replace(self._segment(name, table))
            sync_folder(self._folder)
            manifest = make_manifest(run, segments, self._clock_ns())
            write_atomic(self._manifest(name), encode_manifest(manifest))
""",
        """\
            manifest = make_manifest(run, segments, self._clock_ns())
            write_atomic(self._manifest(name), encode_manifest(manifest))
            for table, segment in segments.items():
                segment.path.replace(self._segment(name, table))
            sync_folder(self._folder)
""",
    ),
    Mutation(
        "what a commit says beside its manifest is not written down",
        SPOOL,
        "            self.committed.note(run)\n",
        "",
    ),
    Mutation(
        "what waits in the spool does not count at the next start",
        COMMITTED,
        "            self._sessions.set(manifest.session, known.reach(manifest.last + 1))\n",
        "            pass\n",
    ),
    Mutation(
        "the session's file is not synced before the discard",
        SESSIONS,
        "write_atomic(self._path(session), msgspec.json.encode(known))",
        "write_atomic(self._path(session), msgspec.json.encode(known), fsync=False)",
    ),
    Mutation(
        "the session's file is not written before the discard",
        SPOOL,
        "            self.committed.save(session_of(name))\n            self._manifest(name)",
        "            self._manifest(name)",
    ),
    Mutation(
        "segments are discarded before the manifest's removal is synced",
        SPOOL,
        "            self.committed.remove(name)\n            sync_folder(self._folder)\n",
        "            self.committed.remove(name)\n",
    ),
    Mutation(
        "a session is forgotten while its journal is there",
        COMMITTED,
        "                and not self._sessions.has_journal(session)\n",
        "",
    ),
    Mutation(
        "a session that the ledger told of is never forgotten",
        SESSIONS,
        "        return self.ended or self.is_found\n",
        "        return self.ended\n",
        ("--walks",),
    ),
    Mutation(
        "a session has ended whatever ends it",
        SESSIONS,
        "end=resumes_at if is_end else None",
        "end=resumes_at",
    ),
    Mutation(
        "a session is said to be delivered before its end is committed",
        LEFT,
        " and committed >= known.end:\n",
        ":\n",
    ),
    Mutation(
        "what undoes a commit leaves its manifest for the end",
        SPOOL,
        """\
            if self._manifest(name).exists():
                self._manifest(name).unlink()
                sync_folder(self._folder)
            for path in self._files_of(name):
                path.unlink()
        except OSError as error:
            raise""",
        """\
            for path in sorted(self._files_of(name), key=lambda path: path.suffix == ".json"):
                path.unlink()
        except OSError as error:
            raise""",
        ("--walks",),
    ),
    Mutation(
        "the removal of a manifest that is undone is not synced",
        SPOOL,
        "                sync_folder(self._folder)\n            for path in self._files_of",
        "            for path in self._files_of",
        ("--walks",),
    ),
    Mutation(
        "the removal of a journal is not synced",
        JOURNAL,
        "    path.rename(removed)\n    sync_folder(path.parent)\n",
        "    path.rename(removed)\n",
        ("--walks",),
    ),
    # --- the store's side ---
    Mutation(
        "what the store has in other flushes is put",
        LEDGER,
        "        if not found:\n",
        "        if found or not found:\n",
    ),
    Mutation(
        "what the store has is not asked for",
        LEDGER,
        "                if key.session in sessions and key.last >= sessions[key.session]:\n",
        "                if False:\n",
    ),
    Mutation(
        "the manifest is uploaded before its segments",
        UPLOADER,
        "            for file in files:\n",
        "            for file in reversed(files):\n",
    ),
    Mutation(
        "segments are discarded without being uploaded",
        UPLOADER,
        "            for file in files:\n",
        "            for file in files[-1:]:\n",
    ),
    Mutation(
        "what is there already is not compared",
        UPLOADER,
        "            if not self._is_stored(file):\n",
        "            if False:\n",
    ),
    Mutation(
        "of what is there already only the size is compared",
        UPLOADER,
        "        return stored == file.sha256\n",
        "        return stored is not None\n",
    ),
    Mutation(
        "an object is put over what is there",
        STORE_S3,
        '        IfNoneMatch="*",\n        ChecksumSHA256',
        "        ChecksumSHA256",
    ),
    Mutation(
        "an object of many parts is put over what is there",
        STORE_S3,
        'MultipartUpload={"Parts": parts}, IfNoneMatch="*"',
        'MultipartUpload={"Parts": parts}',
    ),
    Mutation(
        "a flush set aside counts for nothing where the session's file was lost",
        COMMITTED,
        "        if known is None and name in self._waiting:\n",
        "        if False:\n",
    ),
    Mutation(
        "an object of a folder is not synced",
        STORE,
        "                    os.fsync(copy.fileno())\n",
        "",
    ),
    Mutation(
        "the name of an object of a folder is not synced",
        STORE,
        "                partial.unlink(missing_ok=True)\n            sync_folder(target.parent)\n",
        "                partial.unlink(missing_ok=True)\n",
    ),
    Mutation(
        "an object that a killed process has put counts as synced",
        STORE,
        "                sync_folder(target.parent)\n                raise AlreadyStored(key)\n",
        "                raise AlreadyStored(key)\n",
        ("--walks",),
    ),
)
