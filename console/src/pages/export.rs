//! Schedules for systemd, cron and Kubernetes: the files, and how they are installed.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::answer::{PageResult, render, render_refused};
use super::context::{Layout, PageContext, Section};
use super::error::{PageError, sentence};
use super::forms::Field;
use super::head::{AppHead, Tab};
use plakar_driver::{attachment, percent};
use source_app::export::{ExportedFile, Kubernetes, Systemd};
use source_app::model::local_zone;
use source_app::service::{Error, Export, ExportAs, Service};
use source_app::state::AppId;

/// What is exported, and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExportOptions {
    form: String,
    executable: String,
    /// Of systemd: none for the user's own manager.
    user: String,
    image: String,
    claim: String,
    namespace: String,
    time_zone: String,
    /// Which file.
    name: String,
}

struct ExportFileRow {
    file: ExportedFile,
    href: String,
}

#[derive(Template)]
#[template(path = "export/show.html")]
struct ExportPage {
    layout: Layout,
    head: AppHead,
    form: String,
    title: &'static str,
    fields: Vec<Field>,
    files: Vec<ExportFileRow>,
    commands: String,
    faults: Vec<String>,
}

impl ExportOptions {
    fn title(&self) -> Result<&'static str, PageError> {
        match self.form.as_str() {
            "systemd" => Ok("A systemd timer"),
            "crontab" => Ok("Lines for a crontab"),
            "kubernetes" => Ok("CronJobs for Kubernetes"),
            _ => Err(PageError::input(
                "Schedules are exported as form=systemd, form=crontab or form=kubernetes.",
            )),
        }
    }

    /// What was left out, as it most likely is.
    fn completed(mut self) -> Self {
        if self.executable.is_empty() {
            let here = std::env::current_exe().ok().filter(|_| self.form != "kubernetes");
            let here = here.and_then(|path| path.to_str().map(str::to_owned));
            self.executable = here.unwrap_or_else(|| "/usr/local/bin/plakar-opendrive".to_owned());
        }
        if self.time_zone.is_empty() {
            self.time_zone = local_zone();
        }
        self
    }

    fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::text("executable", "Program", &self.executable)
                .required()
                .help("The absolute path of plakar-opendrive where it will run."),
        ];
        match self.form.as_str() {
            "systemd" => fields.push(
                Field::text("user", "User", &self.user)
                    .help("For the system's manager, running as this user. Left empty: for your own manager (systemctl --user)."),
            ),
            "crontab" => fields.push(
                Field::text("time_zone", "Time zone of the machine", &self.time_zone)
                    .required()
                    .help("cron goes by the time zone of its machine.")
                    .suggest(chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())),
            ),
            _ => fields.extend([
                Field::text("image", "Image", &self.image).required().help("With plakar and plakar-opendrive in it."),
                Field::text("claim", "Volume claim", &self.claim)
                    .required()
                    .help("Of the volume that becomes the home: the state, and Plakar's configuration with the credentials."),
                Field::text("namespace", "Namespace", &self.namespace),
            ]),
        }
        fields
    }

    fn export(&self, service: &Service) -> Result<Export, Error> {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let form = match self.form.as_str() {
            "systemd" => ExportAs::Systemd(Systemd { user: some(&self.user) }),
            "crontab" => ExportAs::Crontab { time_zone: self.time_zone.clone() },
            _ => ExportAs::Kubernetes(Kubernetes {
                image: self.image.clone(),
                claim: self.claim.clone(),
                namespace: some(&self.namespace),
            }),
        };
        service.export_to(form, &self.executable)
    }

    fn query(&self, name: &str) -> String {
        let pairs = [
            ("form", self.form.as_str()),
            ("executable", &self.executable),
            ("user", &self.user),
            ("image", &self.image),
            ("claim", &self.claim),
            ("namespace", &self.namespace),
            ("time_zone", &self.time_zone),
            ("name", name),
        ];
        let pairs = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key}={}", percent(value, b"-._~/")));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// What to type where the files were saved.
    fn commands(&self, app: &str) -> String {
        let unit = format!("plakar-opendrive-{app}");
        match self.form.as_str() {
            "systemd" if self.user.is_empty() => format!(
                "mkdir -p ~/.config/systemd/user\ncp {unit}.service {unit}.timer ~/.config/systemd/user/\nsystemctl --user daemon-reload\n\
                 systemctl --user enable --now {unit}.timer\nloginctl enable-linger"
            ),
            "systemd" => format!(
                "sudo cp {unit}.service {unit}.timer /etc/systemd/system/\nsudo systemctl daemon-reload\nsudo systemctl enable --now {unit}.timer"
            ),
            "crontab" => "(crontab -l 2>/dev/null; cat crontab) > crontab.new\ncrontab crontab.new"
                .to_owned(),
            _ => format!("kubectl apply -f {unit}.yaml\nkubectl get cronjobs"),
        }
    }
}

pub async fn show(
    context: PageContext,
    State(service): State<Service>,
    Path(id): Path<AppId>,
    Query(options): Query<ExportOptions>,
) -> PageResult {
    let title = options.title()?;
    // Nothing was entered yet.
    let new = options.executable.is_empty();
    let options = options.completed();
    let app = service.app(id).await?;
    let exported = match options.export(&service) {
        Ok(export) => service.export(id, &export).await,
        Err(error) => Err(error),
    };
    let mut shown = ExportPage {
        layout: context.layout(Section::None),
        title,
        fields: options.fields(),
        commands: options.commands(&app.spec.name),
        form: options.form.clone(),
        head: AppHead { app, tab: Tab::Schedules },
        files: Vec::new(),
        faults: Vec::new(),
    };
    match exported {
        Ok(files) => {
            let href = |file: &ExportedFile| {
                format!("/apps/{id}/export/file?{}", options.query(&file.name))
            };
            shown.files =
                files.into_iter().map(|file| ExportFileRow { href: href(&file), file }).collect();
            render(&shown)
        }
        Err(_) if new && options.form == "kubernetes" => render(&shown),
        Err(error) => {
            shown.faults = error.to_string().lines().map(sentence).collect();
            render_refused(&shown, &error)
        }
    }
}

pub async fn file(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    Query(options): Query<ExportOptions>,
) -> Result<Response, PageError> {
    options.title()?;
    let name = options.name.clone();
    let files = service.export(id, &options.completed().export(&service)?).await?;
    let file = files.into_iter().find(|file| file.name == name);
    let file = file.ok_or_else(|| PageError::not_found("There is no such file in this export."))?;
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, attachment(&file.name)),
    ];
    Ok((headers, file.text).into_response())
}
