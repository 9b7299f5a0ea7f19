//! What is asked of a scripted notifier, where the ledger fails and where an edit is refused.

use super::super::outbox::broken::Broken;
use super::*;

/// Notes what it is asked for, and answers as it is told; `Ok` where nothing is left to say.
#[derive(Default)]
struct Scripted {
    asked: Mutex<Vec<String>>,
    answers: Mutex<VecDeque<NotifyError>>,
    /// How many blocks each message had.
    blocks: Mutex<Vec<usize>>,
    /// True where nothing that was posted can be named any more, as by a webhook.
    nameless: bool,
}

impl Scripted {
    fn answer(&self, what: &str, message: &Message) -> Result<(), NotifyError> {
        let blocks = message.blocks.as_array().map_or(0, Vec::len);
        self.blocks.lock().unwrap().push(blocks);
        let asked = format!("{what} {}", message.text);
        self.asked.lock().unwrap().push(asked);
        self.answers.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait]
impl Notifier for Scripted {
    async fn post(
        &self,
        _channel: Option<&str>,
        thread: Option<&Posted>,
        message: &Message,
    ) -> Result<Option<Posted>, NotifyError> {
        let what = if thread.is_some() { "answer" } else { "post" };
        self.answer(what, message)?;
        let (channel, id) = ("C1".to_owned(), message.text.clone());
        Ok((!self.nameless).then_some(Posted { channel, id }))
    }

    async fn edit(&self, _posted: &Posted, message: &Message) -> Result<(), NotifyError> {
        self.answer("edit", message)
    }
}

fn letter(text: &str) -> ChatLetter {
    let message = Message {
        text: text.to_owned(),
        blocks: json!([]),
    };
    ChatLetter::new("run/shop/1".to_owned(), message)
}

#[tokio::test]
async fn what_cannot_be_told_from_the_ledger_is_not_said_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    let notifier = Arc::new(Scripted::default());
    let chat = Chat::new(Arc::clone(&notifier) as Arc<dyn Notifier>, ledger);
    chat.deliver(&letter("begun")).await.unwrap();
    assert_eq!(notifier.asked(), ["post begun"]);

    let file = Broken::of(&path).await;
    file.take_away().await;
    let told = chat.deliver(&letter("done")).await.unwrap_err();
    assert_eq!(chat.fate(&told), Fate::Later, "{told:?}");
    assert!(notifier.asked().is_empty());
    file.bring_back().await;
    chat.deliver(&letter("done")).await.unwrap();
    chat.deliver(&letter("done")).await.unwrap();
    assert_eq!(notifier.asked(), ["edit done"]);
}

#[tokio::test]
async fn what_the_ledger_does_not_take_is_not_said_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Ledger::open(&path).await.unwrap());
    let ledger = Ledger::open_for_reading(&path).await.unwrap();
    let notifier = Arc::new(Scripted::default());
    let chat = Chat::new(Arc::clone(&notifier) as Arc<dyn Notifier>, ledger);
    chat.deliver(&letter("begun")).await.unwrap();
    chat.deliver(&letter("begun")).await.unwrap();
    chat.deliver(&letter("done")).await.unwrap();
    assert_eq!(notifier.asked(), ["post begun", "edit done"]);
}

#[tokio::test]
async fn what_cannot_be_edited_is_not_posted_anew_for_its_small_print() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    let notifier = Arc::new(Scripted {
        nameless: true,
        ..Scripted::default()
    });
    let chat = Chat::new(Arc::clone(&notifier) as Arc<dyn Notifier>, ledger);
    for (text, revision) in [("open", "a1"), ("open", "b2"), ("over", "b2")] {
        let mut letter = letter(text);
        letter.message.blocks = json!([{ "type": "context", "elements": [{ "text": revision }] }]);
        chat.deliver(&letter).await.unwrap();
    }
    assert_eq!(notifier.asked(), ["post open", "post over"]);
}

#[tokio::test]
async fn what_cannot_be_rewritten_is_said_in_its_thread_or_anew() {
    let unfit = |word: &str| NotifyError::Unfit(word.to_owned());
    let cases: [(&[&str], &[&str], &str); 5] = [
        (&["edit_window_closed"], &["answer done"], "begun"),
        (&["cant_update_message"], &["answer done"], "begun"),
        (&["message_not_found"], &["post done"], "done"),
        (
            &["edit_window_closed", "message_not_found"],
            &["answer done", "post done"],
            "done",
        ),
        (&["invalid_blocks"], &[], "begun"),
    ];
    for ((words, then, root), threaded) in cases
        .into_iter()
        .flat_map(|one| [(one, false), (one, true)])
    {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db"))
            .await
            .unwrap();
        let notifier = Arc::new(Scripted::default());
        let chat = Chat::new(Arc::clone(&notifier) as Arc<dyn Notifier>, ledger);
        chat.deliver(&letter("begun")).await.unwrap();
        notifier.asked();
        let answers = words.iter().map(|word| unfit(word));
        notifier.answers.lock().unwrap().extend(answers);
        let end = ChatLetter {
            threaded,
            ..letter("done")
        };
        let told = chat.deliver(&end).await;
        assert_eq!(told.is_err(), then.is_empty(), "{words:?}");
        let asked = notifier.asked();
        assert_eq!(asked, [&["edit done"], then].concat(), "{words:?}");
        let posted = chat.posted("slack/run/shop/1").await.unwrap();
        assert_eq!(posted["posted"]["id"], root, "{words:?}");
    }
}

#[tokio::test]
async fn of_what_slack_does_not_take_the_title_is_said_once() {
    let full = |text: &str| {
        let mut letter = letter(text);
        let blocks = ["header", "section", "context"].map(|one| json!({ "type": one }));
        letter.message.blocks = Value::Array(blocks.to_vec());
        letter
    };
    let too_long = || NotifyError::Unfit("msg_blocks_too_long".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db"))
        .await
        .unwrap();
    let notifier = Arc::new(Scripted::default());
    let chat = Chat::new(Arc::clone(&notifier) as Arc<dyn Notifier>, ledger);
    chat.deliver(&full("begun")).await.unwrap();
    assert_eq!(notifier.asked(), ["post begun"]);
    notifier.answers.lock().unwrap().push_back(too_long());
    chat.deliver(&full("done")).await.unwrap();
    assert_eq!(notifier.asked(), ["edit done", "edit done"]);
    assert_eq!(notifier.blocks.lock().unwrap().last(), Some(&2));
    // It is not tried again, nor is one of which the title is refused, too.
    chat.deliver(&full("done")).await.unwrap();
    assert!(notifier.asked().is_empty());
    let answers = [too_long(), too_long()];
    notifier.answers.lock().unwrap().extend(answers);
    let told = chat.deliver(&full("worse")).await.unwrap_err();
    assert_eq!(chat.fate(&told), Fate::Lost, "{told:?}");
    assert_eq!(notifier.asked(), ["edit worse", "edit worse"]);
}
