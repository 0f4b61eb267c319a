"""Settings, from the environment (BIHUAN_…) and the command line; the command line wins."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the data lives and how the server listens."""

    model_config = SettingsConfigDict(env_prefix="BIHUAN_", extra="ignore")

    data: Path = Path("var")
    """The folder of the embedded database, the master key's folder and the logs."""
    database_url: str | None = None
    """A PostgreSQL server to use instead; when it fails, nothing else is tried."""
    key_file: Path | None = None
    """The master key that wraps all data keys; by default in `data`, beside the database."""
    max_body: int = Field(default=1_048_576, gt=0)
    """Bytes of a request body."""
    rebuild: bool = True
    """Whether a serving process rebuilds by itself the ledgers whose code has changed."""
    timers: bool = True
    """Whether a serving process lets timers happen; where off, `bihuan work` has to."""

    @property
    def master_key(self) -> Path:
        """Return the master key's file: outside the database's own directory."""
        return self.key_file or self.data / "keys" / "master.key"
