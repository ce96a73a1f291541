"""What this package raises on purpose, as one tree.

BodypixError
├── OptionError (ValueError)              an option, parameter or argument, by name
│   └── PrecisionError                    a precision that a device does not compute in
├── ImageError (ValueError)               an array that is no image of its encoding
├── PersonError (IndexError)              somebody whom a Scene has not, or who is nowhere in it
├── DeviceError (RuntimeError)            a device fails, compiles no network, or was left by a fork
├── ClosedError (RuntimeError)            a segmenter that was closed
├── AbandonedError                        a frame that was given up: nobody is to be told
├── ModelError                            files of models
│   ├── MissingModelError (FileNotFoundError)   in no model folder
│   ├── CatalogueError (ValueError)             the catalogue itself is damaged
│   ├── CheckpointError (ValueError)            a checkpoint is broken, or none
│   │   └── MissingShardError (FileNotFoundError)   a weight file that it names is not there
│   ├── RangesError (ValueError)                ranges for INT8: damaged, or of another model
│   ├── DigestError (ValueError)                not the file that is published
│   ├── UnverifiedError (ValueError)            nobody published a digest of it
│   ├── DownloadError (OSError)                 the network or the server failed
│   └── TooLongError (ValueError)               more bytes than a file may hold
├── PictureError (ValueError)             an encoded picture that is not whole, or too large
├── MediaError (OSError)                  a picture, video or camera: not there, not readable, not writable
├── OutputError (OSError)                 a folder or file of results that cannot be written now
├── BagError (OSError)                    a recorded bag: broken, or cannot be read or written
├── MessageError (ValueError)             a message that holds no usable image, mask or list
│   └── DepthError                        an image of depth where one of light was expected
├── PlacingError (ValueError)             a camera_info or depth that nobody can be placed with
├── CalibrationError (ValueError)         a calibration that is not there, or is none
├── StartError (RuntimeError)             a node cannot start
└── PeerError (RuntimeError)              a program to be compared with does not work

In brackets: Python's own error that each also is. Every message says what was wrong, where, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches


def hint(name: str, known: Iterable[str], before: str = "; ") -> str:
    """Ask for what was meant, by the known names that come close: a message's end; nothing without such."""
    close = get_close_matches(name[:80], list(known), n=3)
    return f"{before}did you mean {' or '.join(close)}?" if close else ""


class BodypixError(Exception):
    """The root of all."""


class OptionError(BodypixError, ValueError):
    """An option, parameter or argument that may not be so.

    Attributes:
        option: Its name, as it stands in the message.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Pickle both arguments; an exception by itself keeps the message only."""
        return type(self), (self.option, str(self))


class PrecisionError(OptionError):
    """A device would compute in another precision than was asked of it."""


class ImageError(BodypixError, ValueError):
    """An array that is no image of its encoding."""


class PersonError(BodypixError, IndexError):
    """Somebody whom a Scene has not, or who is nowhere in its image."""


class DeviceError(BodypixError, RuntimeError):
    """What a device does: it fails, compiles no network, or is in the process that this one is a fork of."""


class ClosedError(BodypixError, RuntimeError):
    """A segmenter that was closed."""


class AbandonedError(BodypixError):
    """A frame was given up while its inference took too long: whoever gets this ends without a word."""


class ModelError(BodypixError):
    """Something is wrong with the files of a model."""


class MissingModelError(ModelError, FileNotFoundError):
    """Files of a model are in no model folder; the message names their URLs and where to put them."""


class CatalogueError(ModelError, ValueError):
    """The catalogue is damaged; the message names the file and the place in it."""


class CheckpointError(ModelError, ValueError):
    """A checkpoint is broken, or is none; the message names file and place."""


class MissingShardError(CheckpointError, FileNotFoundError):
    """A weight file that the checkpoint names is not there."""


class RangesError(ModelError, ValueError):
    """A file of ranges for INT8 is not there, damaged, or of another model; the message says which."""


class DigestError(ModelError, ValueError):
    """A file is not the one that is published."""


class UnverifiedError(ModelError, ValueError):
    """A file would have to be taken on trust, and the caller did not agree to that."""


class DownloadError(ModelError, OSError):
    """The network failed, or the server did; the message names the URL and what to do by hand."""


class TooLongError(ModelError, ValueError):
    """The server, or an archive, gives more than the file may hold."""


class PictureError(BodypixError, ValueError):
    """An encoded picture that is not whole, or too large; the message goes on after its name."""


class MediaError(BodypixError, OSError):
    """A picture, video or camera that is not there, cannot be read, or cannot be written."""


class OutputError(BodypixError, OSError):
    """Results that cannot be written: the folder is denied or full, or another process writes into it."""


class BagError(BodypixError, OSError):
    """A bag that is broken, or cannot be read or written."""


class MessageError(BodypixError, ValueError):
    """A message that holds no usable image, mask or list."""


class DepthError(MessageError):
    """An image of depth where one of light was expected."""


class PlacingError(BodypixError, ValueError):
    """A camera_info or depth that nobody can be placed with; the message says why."""


class CalibrationError(BodypixError, ValueError):
    """A calibration that is not there, or is none."""


class StartError(BodypixError, RuntimeError):
    """The node cannot start; the message says why."""


class PeerError(BodypixError, RuntimeError):
    """A program to be compared with is not installed, or does not work."""
