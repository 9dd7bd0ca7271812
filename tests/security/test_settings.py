"""What the settings say of TLS and logins: half a login is refused, secrets do not print."""

import ssl

import pytest
from cryptography.hazmat.primitives import serialization as form
from pydantic import SecretStr

from streams.cli.options import settings_from
from streams.config import Settings
from streams.errors import TowerError
from streams.kafka import client_options, consumer_options, findings

SCRAM = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "SCRAM-SHA-512",
    "kafka_username": "tower",
    "kafka_password": "hush-hush",
}


def test_without_settings_a_client_is_given_the_address_alone():
    assert client_options("here:9092") == {
        "bootstrap_servers": "here:9092",
        "security_protocol": "PLAINTEXT",
    }
    assert client_options(Settings(brokers="here:9092").kafka) == client_options("here:9092")


def test_a_login_over_tls_is_five_options_more():
    options = client_options(settings_from(**SCRAM).kafka)
    context = options.pop("ssl_context")
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert options == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "tower",
        "sasl_plain_password": "hush-hush",
    }


def test_only_consumers_have_a_rack():
    cluster = Settings(rack="b").kafka
    assert consumer_options(cluster) == client_options(cluster) | {"client_rack": "b"}
    assert "client_rack" not in consumer_options(Settings().kafka)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (SCRAM | {"kafka_sasl_mechanism": None}, "SASL_SSL needs TOWER_KAFKA_SASL_MECHANISM."),
        (SCRAM | {"kafka_username": None}, "SASL_SSL needs TOWER_KAFKA_USERNAME."),
        (SCRAM | {"kafka_password": None}, "KAFKA_PASSWORD or TOWER_KAFKA_PASSWORD_FILE."),
        (SCRAM | {"kafka_password_file": "f"}, "KAFKA_PASSWORD_FILE exclude each other."),
        (SCRAM | {"kafka_sasl_mechanism": "GSSAPI"}, "KAFKA_SASL_MECHANISM is wrong: Input"),
        (SCRAM | {"kafka_security_protocol": "SSL"}, "KAFKA_SASL_MECHANISM is given, but"),
        ({"brokers": "ann:hush-hush@kafka"}, "'kafka' is not host:port"),
        ({"kafka_password": "x"}, "but TOWER_KAFKA_SECURITY_PROTOCOL is PLAINTEXT: it takes"),
        ({"kafka_ca_file": "ca.pem"}, "TOWER_KAFKA_CA_FILE is given, but"),
        ({"kafka_security_protocol": "SSL", "kafka_key_file": "k"}, "TOWER_KAFKA_CERT_FILE."),
        ({"smtp_password": "x", "smtp_password_file": "f"}, "TOWER_SMTP_PASSWORD and"),
        ({"kafka_security_protocol": "TLS"}, "TOWER_KAFKA_SECURITY_PROTOCOL is wrong"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_one_sentence(given, said):
    with pytest.raises(TowerError) as refused:
        settings_from(**given)
    assert said in str(refused.value)
    assert "hush-hush" not in str(refused.value)


def test_a_secret_is_in_no_repr_and_no_error(monkeypatch):
    for name, value in SCRAM.items():
        monkeypatch.setenv(f"TOWER_{name.upper()}", value)
    monkeypatch.setenv("TOWER_SMTP_PASSWORD", "hush-hush too")
    settings = Settings()
    assert settings.kafka_password == SecretStr("hush-hush")
    for shown in (repr(settings), str(settings), repr(settings.kafka), settings.model_dump()):
        assert "hush-hush" not in str(shown)
    monkeypatch.setenv("TOWER_PARTITIONS", "none")
    with pytest.raises(ValueError, match="partitions") as refused:
        Settings()
    assert "hush-hush" not in str(refused.value)


def test_a_password_may_be_a_file_whose_line_end_is_none_of_it(tmp_path):
    file = tmp_path / "password"
    word = " with blanks "
    file.write_text(f"{word}\r\n")
    given = SCRAM | {"kafka_password": None, "kafka_password_file": file}
    cluster = settings_from(**given).kafka
    assert client_options(cluster)["sasl_plain_password"] == word
    mail = settings_from(smtp_password_file=file)
    assert mail.mail_password == word
    file.write_text(f"\ufeff{word}\n")  # as some editors write it
    assert client_options(cluster)["sasl_plain_password"] == word
    file.write_text("\n")
    assert findings(cluster) == [f"TOWER_KAFKA_PASSWORD_FILE: {file} is empty."]
    file.unlink()
    missing = f"TOWER_KAFKA_PASSWORD_FILE: {file} cannot be read (No such file or directory)."
    assert findings(cluster) == [missing]


@pytest.mark.parametrize("setting", ["kafka_ca_file", "kafka_cert_file"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nno\n", b"\xff"])
def test_a_certificate_that_cannot_be_read_is_one_sentence(tmp_path, setting, content):
    file = tmp_path / "some.pem"
    if content is not None:
        file.write_bytes(content)
    cluster = settings_from(kafka_security_protocol="SSL", **{setting: file}).kafka
    with pytest.raises(TowerError, match=f"TOWER_{setting.upper()}.* {file}") as refused:
        client_options(cluster)
    assert str(refused.value).count("\n") == 0


def test_a_clients_certificate_needs_its_key_and_an_encrypted_key_its_password(
    papers, tmp_path
):
    given = {"kafka_security_protocol": "SSL", "kafka_cert_file": papers.client}
    good = settings_from(**given, kafka_key_file=papers.client_key).kafka
    assert findings(good) == []
    assert "no certificate with its key" in findings(settings_from(**given).kafka)[0]
    key = form.load_pem_private_key(papers.client_key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"open")
        )
    )
    without = settings_from(**given, kafka_key_file=locked).kafka
    assert "needs TOWER_KAFKA_KEY_PASSWORD." in findings(without)[0]
    given |= {"kafka_key_file": locked, "kafka_key_password": "open"}
    opened = settings_from(**given).kafka
    assert findings(opened) == []


def test_check_looks_at_the_files_without_a_broker(tower, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOWER_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("TOWER_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("TOWER_KAFKA_CA_FILE", "nowhere.pem")
    ran = tower("check")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "TOWER_KAFKA_CA_FILE: nowhere.pem cannot be read (No such file or directory).",
        "Topics were not looked at.",
    ]


@pytest.mark.parametrize("setting", ["kafka_ca_file", "kafka_cert_file", "kafka_key_file"])
def test_a_file_that_is_missing_is_named_as_the_one(papers, tmp_path, setting):
    given = {
        "kafka_ca_file": papers.ca,
        "kafka_cert_file": papers.client,
        "kafka_key_file": papers.client_key,
    }
    gone = tmp_path / "gone.pem"
    cluster = settings_from(kafka_security_protocol="SSL", **given | {setting: gone}).kafka
    assert findings(cluster) == [
        f"TOWER_{setting.upper()}: {gone} cannot be read (No such file or directory)."
    ]


def test_the_password_file_of_the_mail_is_looked_at_before_anything_is_sent(
    tower, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOWER_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("TOWER_SMTP_PASSWORD_FILE", "nowhere")
    says = "TOWER_SMTP_PASSWORD_FILE: nowhere cannot be read (No such file or directory)."
    ran = tower("check")
    assert (ran.code, ran.out.splitlines()[0]) == (1, says)
    ran = tower("dispatcher")
    assert (ran.code, ran.out, ran.err) == (1, "", f"tower: {says}\n")
