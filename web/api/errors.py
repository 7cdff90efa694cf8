"""How the API says no: `{"error": "one line that names the fix"}` with the status that fits."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from trellis.errors import DeviceError, InputError, OutOfSpace, Stopped, TrellisError
from web.access import NotAllowed
from web.answers import ErrorAnswer
from web.attempts import TooManyAttempts
from web.controls import SomebodyDrives
from web.people import WrongPassword

Responses = dict[int | str, dict[str, Any]]

#: For routes: what their errors look like in OpenAPI.
NOT_FOUND: Responses = {404: {"model": ErrorAnswer, "description": "There is nothing of that name"}}
REFUSED: Responses = {409: {"model": ErrorAnswer, "description": "It cannot be done to this one now"}}
UNREACHABLE: Responses = {503: {"model": ErrorAnswer, "description": "The daemon or the database does not answer"}}


class NotThere(TrellisError):
    """What was asked for does not exist (yet)."""


class Unfit(TrellisError):
    """What was sent cannot be taken as it is."""


class Refused(TrellisError):
    """What was asked cannot be done in the state that things are in."""


def answer_errors_plainly(app: FastAPI) -> None:
    """Make every error of the API a JSON object with one line."""
    app.add_exception_handler(TrellisError, _trellis)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def error_response(status: int, line: str) -> JSONResponse:
    """One error as the API says it."""
    return JSONResponse(jsonable_encoder(ErrorAnswer(error=line)), status)


def _trellis(_request: Request, error: Exception) -> JSONResponse:
    return error_response(_status(error), " ".join(str(error).split()))


def _status(error: Exception) -> int:
    # The store says "there is no ..." for a name that it does not know, and names the database when that fails.
    if isinstance(error, NotThere) or (isinstance(error, InputError) and str(error).startswith("there is no")):
        return 404
    if isinstance(error, NotAllowed | WrongPassword):
        return 403
    if isinstance(error, TooManyAttempts):
        return 429
    if isinstance(error, Unfit):
        return 422
    if isinstance(error, Stopped | Refused | SomebodyDrives):
        return 409
    if isinstance(error, OutOfSpace):
        return 507
    if isinstance(error, InputError | DeviceError):
        return 503
    return 500


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return error_response(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    line = f"there is nothing at {request.url.path}" if error.status_code == 404 else str(error.detail)
    return error_response(error.status_code, line)
