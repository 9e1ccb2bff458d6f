//! What is done with several entries that were ticked: one archive, or one restore.

use askama::Template;
use axum::extract::State;
use axum::http::Version;
use axum::response::{IntoResponse, Redirect};

use super::content::answer;
use super::listing::decoded;
use super::point::{PointRequest, PointSummary};
use super::restore::place;
use super::visible_text::VisibleText;
use crate::pages::answer::{PageResult, render, render_refused};
use crate::pages::context::{PageContext, Section};
use crate::pages::error::{PageError, sentence};
use crate::pages::form_data::FormData;
use crate::pages::head::{AppHead, Tab};
use plakar_driver::{SnapshotPath, attachment, common_folder};
use source_app::service::{Error, RestorePlace, Service, Work};

use crate::pages::context::Layout;

#[derive(Template)]
#[template(path = "points/several.html")]
struct SeveralPage {
    layout: Layout,
    head: AppHead,
    point: PointSummary,
    action: String,
    /// As they go back into the form, and as they are shown.
    ticked: Vec<(String, VisibleText)>,
    chosen: String,
    target: String,
    /// Before the source itself is written to.
    question: String,
    faults: Vec<String>,
}

pub async fn chosen(
    context: PageContext,
    State(service): State<Service>,
    opened: PointRequest,
    version: Version,
    posted: FormData,
) -> PageResult {
    let ticked = posted.all("tick");
    let path = |text: &String| {
        let path =
            decoded(text).ok_or_else(|| PageError::input("A ticked path cannot be read."))?;
        SnapshotPath::new(&path).map_err(PageError::from)
    };
    let paths = ticked.iter().map(path).collect::<Result<Vec<_>, _>>()?;
    common_folder(&paths).map_err(|error| PageError::from(error).back(opened.links.start()))?;
    if posted.get("do") == "download" {
        let download = opened.point.download_several(&paths).await?;
        let name = attachment(&download.name);
        return answer(download, Some(name), version);
    }
    let shown = paths.iter().map(|path| VisibleText::name(path.as_str()));
    let mut page = SeveralPage {
        layout: context.layout(Section::None),
        point: PointSummary::of(&opened.links, &opened.point.point, opened.check.as_ref()),
        action: format!("{}/several", opened.links.start()),
        ticked: ticked.into_iter().zip(shown).collect(),
        chosen: posted.get("to").to_owned(),
        target: posted.get("folder").to_owned(),
        question: String::new(),
        faults: Vec::new(),
        head: AppHead { app: opened.app.clone(), tab: Tab::Points },
    };
    if posted.get("do") != "start" {
        return render(&page);
    }
    let replace = posted.get("replace") == "true";
    let begun = match place(&posted) {
        Ok(to) => {
            let asks = to == RestorePlace::Source && !replace;
            let (snapshot, second) = (opened.point.point.id.clone(), opened.links.is_second());
            let work = Work::RestoreSeveral { snapshot, paths, to, second, replace };
            match service.start(opened.app.id, &work).await {
                Err(Error::Input(question)) if asks => {
                    page.question = sentence(&question);
                    return render(&page);
                }
                begun => begun,
            }
        }
        Err(error) => Err(Error::Input(error)),
    };
    match begun {
        Ok(task) => Ok(Redirect::to(&format!("/tasks/{}", task.id)).into_response()),
        Err(error) => {
            page.faults = error.to_string().lines().map(sentence).collect();
            render_refused(&page, &error)
        }
    }
}
