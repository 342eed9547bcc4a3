"""Manage images through the Docker daemon's API. Every failure leaves here as a DockerError."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self

from poet_engine.dockerd import DEFAULT_HOST, DaemonConnection, faults
from poet_engine.errors import DockerError
from poet_engine.images.recipe import LABEL_MADE_FROM, LABEL_NAME, LABEL_VERSION, Image, read_labels

_TIMEOUT_S = 30
_BUILD_TIMEOUT_S = 1800  # installing a scientific stack over a slow line


class ImageClient:
    """A client for images at one daemon; a context manager.

    Args:
        host: The daemon's address, such as `unix:///var/run/docker.sock`.
        timeout: Seconds that it may take to answer; importing and building have no such limit.

    Raises:
        DockerError: No daemon answers there, or not to this user, or it is too old.
    """

    def __init__(self, host: str = DEFAULT_HOST, *, timeout: float = _TIMEOUT_S) -> None:
        self.host = host
        self._connection = DaemonConnection(host, timeout=timeout)
        self._client, self._translated = self._connection.client, self._connection.translated

    def __repr__(self) -> str:
        return f"<ImageClient {self.host}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def runtimes(self) -> frozenset[str]:
        """Return the names of the registered runtimes, such as `runc` and `runsc`."""
        with self._translated("asking for the runtimes"):
            return frozenset(self._client.info().get("Runtimes", {}))

    def images(self) -> list[Image]:
        """Return our images, newest first."""
        with self._translated("listing images"):
            found = self._client.images(filters={"label": LABEL_NAME})
        images = [image for entry in found if (image := _image(entry)) is not None]
        return sorted(images, key=lambda image: (-image.created, image.id))

    def import_archive(self, archive: Iterable[bytes], tag: str, changes: Sequence[str]) -> str:
        """Make an image of a root file system; return its id.

        Args:
            archive: A tar archive, in pieces.
            tag: The image's name.
            changes: Lines of a Dockerfile, for its configuration.

        Raises:
            DockerError: The daemon could not take it, as for want of disk space.
        """
        repository, _, name = tag.rpartition(":")
        with self._translated(f"importing {tag}"):
            answer = self._client.import_image_from_stream(archive, repository=repository, tag=name, changes=[*changes])
        return self._result(str(answer).splitlines(), f"importing {tag}")

    def build(
        self, context: Iterable[bytes], tag: str, arguments: Mapping[str, str], labels: Mapping[str, str]
    ) -> Iterator[str]:
        """Build a Dockerfile; yield its output line by line.

        Args:
            context: A tar archive with the Dockerfile and what it copies, in pieces.
            tag: The image's name.
            arguments: Values of its ARGs.
            labels: Labels for the image.

        Raises:
            DockerError: A step failed.
        """
        doing = f"building {tag}"
        with self._translated(doing):
            lines = self._client.build(
                fileobj=_Readable(context),
                custom_context=True,
                tag=tag,
                buildargs=dict(arguments),
                labels=dict(labels),
                rm=True,
                forcerm=True,
                timeout=_BUILD_TIMEOUT_S,
                decode=True,
            )
            for line in lines:
                if "error" in line:
                    list(lines)  # it is the last; until the end is read, the client keeps its socket open
                self._refuse_error(line, doing)
                text = line.get("stream", line.get("status", ""))
                if isinstance(text, str) and text.strip():
                    yield text.strip()

    def image(self, name: str) -> Image:
        """Return one of our images, by id or tag.

        Raises:
            DockerError: The image does not exist, or is not ours.
        """
        with self._translated(f"looking for the image {name}"):
            found = self._client.inspect_image(name)
        stamp = dt.datetime.fromisoformat(found["Created"][:19] + "+00:00")
        image = _image(
            {
                "Id": found["Id"],
                "RepoTags": found.get("RepoTags"),
                "Labels": (found.get("Config") or {}).get("Labels"),
                "Size": found.get("Size", 0),
                "Created": int(stamp.timestamp()),
            }
        )
        if image is None:
            raise DockerError(f"the image {name} is none of poet's; poet images list shows those", fault=faults.GONE)
        return image

    def remove(self, image: Image) -> None:
        """Remove an image with all its tags.

        Raises:
            DockerError: A container uses it.
        """
        with self._translated(f"removing {image.id[:19]}"):
            for tag in image.tags:
                self._client.remove_image(tag)
            if not image.tags:
                self._client.remove_image(image.id)

    def _result(self, lines: Iterable[str], doing: str) -> str:
        """Return the id in the last line of an import's output."""
        status = ""
        for line in lines:
            fields = _parsed(line)
            self._refuse_error(fields, doing)
            status = str(fields.get("status", status))
        if not status.startswith("sha256:"):
            raise self._connection.failure(f"the daemon named no image, but answered {status!r}", doing)
        return status

    def _refuse_error(self, fields: Mapping[str, object], doing: str) -> None:
        """Raise the failure that a line of a stream reports: the status code was sent before."""
        if "error" in fields:
            raise self._connection.failure(str(fields["error"]), doing)


class _Readable:
    """Pieces of bytes as the file that docker-py wants for a context."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def read(self, _size: int = -1) -> bytes:
        return b"".join(self._pieces)


def _parsed(line: str) -> Mapping[str, object]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _image(entry: Mapping[str, object]) -> Image | None:
    """Return the image of an entry of the daemon's list; None for one that is not ours."""
    labels = entry.get("Labels")
    labels = {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}
    contents = read_labels(labels)
    if contents is None:
        return None
    tags = entry.get("RepoTags")
    size, created = entry.get("Size"), entry.get("Created")
    return Image(
        id=str(entry.get("Id")),
        tags=tuple(str(tag) for tag in tags if tag != "<none>:<none>") if isinstance(tags, list) else (),
        contents=contents,
        version=labels.get(LABEL_VERSION, ""),
        made_from=labels.get(LABEL_MADE_FROM, ""),
        size=size if isinstance(size, int) else 0,
        created=created if isinstance(created, int) else 0,
    )
