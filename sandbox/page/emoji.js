// Common emoji by their Slack names; an unknown name stays as typed, as in Slack.

const TABLE = {
  "+1": "👍", "-1": "👎", "100": "💯", "1234": "🔢", alarm_clock: "⏰", arrow_down: "⬇️",
  arrow_heading_down: "⤵️", arrow_left: "⬅️", arrow_right: "➡️", arrow_up: "⬆️",
  arrow_upper_right: "↗️", arrow_lower_right: "↘️", arrows_counterclockwise: "🔄", ballot_box_with_check: "☑️",
  bank: "🏦", bar_chart: "📊", bell: "🔔", no_bell: "🔕", black_circle: "⚫", blue_heart: "💙", boom: "💥",
  book: "📖", bookmark: "🔖", bookmark_tabs: "📑", books: "📚", bug: "🐛", bulb: "💡", busts_in_silhouette: "👥",
  calendar: "📅", spiral_calendar_pad: "🗓️", card_index: "📇", chart: "💹", chart_with_downwards_trend: "📉",
  chart_with_upwards_trend: "📈", clap: "👏", clipboard: "📋", clock1: "🕐", clock3: "🕒", clock9: "🕘",
  closed_lock_with_key: "🔐", cloud: "☁️", construction: "🚧", credit_card: "💳", crown: "👑", date: "📅",
  dart: "🎯", desert_island: "🏝️", dollar: "💵", door: "🚪", envelope: "✉️", "e-mail": "📧", email: "✉️",
  euro: "💶", exclamation: "❗", eyes: "👀", face_with_monocle: "🧐", file_folder: "📁", fire: "🔥", gear: "⚙️",
  gem: "💎", grey_exclamation: "❕", grey_question: "❔", green_heart: "💚", grin: "😁", grinning: "😀",
  hammer_and_wrench: "🛠️", handshake: "🤝", heart: "❤️", heavy_check_mark: "✔️", heavy_dollar_sign: "💲",
  heavy_exclamation_mark: "❗", heavy_minus_sign: "➖", heavy_multiplication_x: "✖️", heavy_plus_sign: "➕",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", house: "🏠", inbox_tray: "📥", incoming_envelope: "📨",
  information_source: "ℹ️", joy: "😂", key: "🔑", label: "🏷️", large_blue_circle: "🔵", large_green_circle: "🟢",
  large_orange_circle: "🟠", large_red_circle: "🔴", large_yellow_circle: "🟡", large_purple_circle: "🟣",
  large_blue_square: "🟦", large_green_square: "🟩", large_red_square: "🟥", large_yellow_square: "🟨",
  leftwards_arrow_with_hook: "↩️", link: "🔗", lock: "🔒", loudspeaker: "📢", mag: "🔍", mailbox: "📫",
  mailbox_with_mail: "📬", mega: "📣", memo: "📝", money_with_wings: "💸", moneybag: "💰", moyai: "🗿",
  muscle: "💪", negative_squared_cross_mark: "❎", new: "🆕", no_entry: "⛔", no_entry_sign: "🚫", ok: "🆗",
  ok_hand: "👌", one: "1️⃣", two: "2️⃣", three: "3️⃣", four: "4️⃣", five: "5️⃣", open_file_folder: "📂",
  outbox_tray: "📤", package: "📦", page_facing_up: "📄", page_with_curl: "📃", palm_tree: "🌴", paperclip: "📎",
  party: "🥳", partying_face: "🥳", pause_button: "⏸️", double_vertical_bar: "⏸️", pencil: "✏️", pencil2: "✏️",
  point_down: "👇", point_left: "👈", point_right: "👉", point_up: "☝️", pray: "🙏", printer: "🖨️",
  purple_heart: "💜", pushpin: "📌", question: "❓", radio_button: "🔘", raised_hand: "✋", raised_hands: "🙌",
  receipt: "🧾", recycle: "♻️", red_circle: "🔴", relaxed: "☺️", repeat: "🔁", robot_face: "🤖", rocket: "🚀",
  rotating_light: "🚨", scales: "⚖️", scroll: "📜", see_no_evil: "🙈", seedling: "🌱", shield: "🛡️",
  simple_smile: "🙂", slightly_smiling_face: "🙂", slightly_frowning_face: "🙁", small_blue_diamond: "🔹",
  small_orange_diamond: "🔸", small_red_triangle: "🔺", small_red_triangle_down: "🔻", smile: "😄",
  smiley: "😃", sob: "😭", sparkles: "✨", speech_balloon: "💬", star: "⭐", star2: "🌟", stop_sign: "🛑",
  stopwatch: "⏱️", octagonal_sign: "🛑", sunglasses: "😎", sunny: "☀️", tada: "🎉", telephone_receiver: "📞",
  thinking_face: "🤔", thought_balloon: "💭", thumbsdown: "👎", thumbsup: "👍", timer_clock: "⏲️", trophy: "🏆",
  unlock: "🔓", wastebasket: "🗑️", warning: "⚠️", watch: "⌚", wave: "👋", white_check_mark: "✅",
  white_circle: "⚪", white_large_square: "⬜", wink: "😉", writing_hand: "✍️", wrench: "🔧", x: "❌", yen: "💴",
  yellow_heart: "💛", zap: "⚡", zzz: "💤",
};

/** The character for `:name:` (a skin tone after `::` is dropped), or undefined. */
export function emoji(name) {
  const bare = name.split("::")[0];
  return Object.hasOwn(TABLE, bare) ? TABLE[bare] : undefined;
}

export const EMOJI_CODE = /:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/g;
